import { readFileSync } from 'node:fs';
import { percentile } from './percentile.ts';

/** Of the fields of /proc/self/stat: Linux counts in hundredths of a second there, on every machine that Node runs on. */
const MS_PER_TICK = 10;

/**
 * Processor time of some work, by all threads of this process and by the children that ended meanwhile; the median of
 * the repeats. Where children aren't counted (not Linux), the time that passed, where that is more.
 */
export async function cpuMs(repeats: number, work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const [startedAt, before, childrenBefore] = [performance.now(), ownMs(), childrenMs()];
    await work();
    const own = ownMs() - before;
    const children = childrenMs();
    times.push(
      children === undefined || childrenBefore === undefined
        ? Math.max(own, performance.now() - startedAt)
        : own + children - childrenBefore,
    );
  }
  return percentile(times, 0.5);
}

function ownMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function childrenMs(): number | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // Counted from behind the name, which may hold blanks and brackets: cutime and cstime are fields 16 and 17 of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}
