import { readFile, readlink } from 'node:fs/promises';

/**
 * Names this process for as long as the host runs: `<pid namespace>-<pid>-<start time>`. Pids alone are used again, and
 * containers that share a folder each count their own.
 */
export async function ownMark(): Promise<string> {
  return `${await pidNamespace()}-${process.pid}-${(await startTime(process.pid)) ?? 0}`;
}

/**
 * Whether a name that begins with a mark belongs to a process that is gone for certain: one of another container never
 * does, since it cannot be seen from here.
 */
export async function isMarkStale(name: string): Promise<boolean> {
  const [, namespace, pid, start] = /^(\d+)-(\d+)-(\d+)-/.exec(name) ?? [];
  if (namespace === undefined || namespace !== (await pidNamespace())) return false;
  return (await startTime(Number(pid))) !== start;
}

/** Clock ticks from the host's start to the process's; `undefined` when there is no such process. */
async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Counted from behind the name, which may hold blanks and brackets; the start time is field 22 of all.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

async function pidNamespace(): Promise<string> {
  return /\d+/.exec(await readlink('/proc/self/ns/pid'))?.[0] ?? '0';
}
