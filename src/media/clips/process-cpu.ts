import { readFile } from 'node:fs/promises';

/** Linux counts CPU time in hundredths of a second there, on every machine that Node runs on. */
const MS_PER_TICK = 10;

/** CPU milliseconds that all threads of a process have used; undefined once it is gone. */
export async function processCpuMs(pid: number): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Counted from behind the name, which may hold blanks and brackets: utime and stime are fields 14 and 15 of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}
