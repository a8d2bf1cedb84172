import { readFile, readlink } from 'node:fs/promises';

/**
 * A name of this process that is unique until the host restarts: `<pid namespace>-<pid>-<start time>`. A pid alone is
 * not: pids are reused, and each container that shares a folder has its own.
 */
export async function ownMark(): Promise<string> {
  return `${await pidNamespace()}-${process.pid}-${(await startTime(process.pid)) ?? 0}`;
}

/**
 * Whether a name that begins with a mark belongs to a process that is certainly gone. A process of another container
 * never counts as gone, because this process cannot see it.
 */
export async function isMarkStale(name: string): Promise<boolean> {
  const [, namespace, pid, start] = /^(\d+)-(\d+)-(\d+)-/.exec(name) ?? [];
  if (namespace === undefined || namespace !== (await pidNamespace())) return false;
  return (await startTime(Number(pid))) !== start;
}

/** Clock ticks from the start of the host to the start of a process; undefined if there is no such process. */
async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Counted from behind the name, which may hold spaces and brackets: the start time is field 22.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

async function pidNamespace(): Promise<string> {
  return /\d+/.exec(await readlink('/proc/self/ns/pid'))?.[0] ?? '0';
}
