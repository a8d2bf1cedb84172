import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks in a second, as the kernel tells times to programs. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** Its own and that of its children that were waited for. */
  readonly cpuSeconds: number;
}

function readTimes(pid: number): ProcessTimes | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of a process may hold anything; what follows its last bracket are numbers.
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    return { pid, parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    // It ended while it was looked at.
    return undefined;
  }
}

/** A process and all that descend from it and are there now. */
export function processTree(root: number): ProcessTimes[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readTimes(Number(name)) ?? []);
  const tree = all.filter(({ pid }) => pid === root);
  // Grows while it is walked: children of children come behind their parents.
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

/** CPU seconds of a process and all that descended from it, those that ended included. */
export function cpuSeconds(root: number): number {
  return processTree(root).reduce((sum, process) => sum + process.cpuSeconds, 0);
}

/** Memory of a process and all that descend from it, in MiB: shared pages in parts (PSS), files in memory (tmpfs) left out. */
export function memoryMib(root: number): number {
  const kib = processTree(root).map(({ pid }) => {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      const line = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
      return line('Pss') - line('Pss_Shmem');
    } catch {
      return 0;
    }
  });
  return kib.reduce((sum, part) => sum + part, 0) / 1024;
}
