/** Milliseconds that the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Prints median and 95th percentile of each series, and its median as a multiple of the first one's. */
export function printFigures(title: string, series: Readonly<Record<string, readonly number[]>>): void {
  const rows = Object.entries(series).map(([name, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    return { name, count: sorted.length, median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  });
  const base = rows[0]?.median ?? Number.NaN;
  const lines = rows.map(
    ({ name, count, median, p95 }) =>
      `  ${name.padEnd(24)} median ${median.toFixed(1).padStart(8)} ms   p95 ${p95.toFixed(1).padStart(8)} ms` +
      `   ratio ${(median / base).toFixed(2).padStart(6)}   (${count} calls)`,
  );
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`);
}
