import { readFileSync } from 'node:fs';
import { percentile } from './percentile.ts';

/** Unit of the times in /proc/self/stat: a hundredth of a second, on every machine that Node runs on. */
const MS_PER_TICK = 10;

/**
 * Processor time of some work: all threads of this process, and the children that ended meanwhile. The result is the median
 * of the repeats. Where the children cannot be counted (not Linux), it is the elapsed time, if that is more.
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
    // The fields after the name, which may contain blanks and brackets: cutime and cstime are 16 and 17 of all fields.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}
