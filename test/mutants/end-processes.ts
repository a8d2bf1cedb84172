import { readdirSync, readFileSync } from 'node:fs';

/** The variable that every process which a copy starts has in its environment; its value is the folder of the copy. */
export const COPY_MARK = 'SN34_MUTANTS_COPY';

/** Ends what a copy has started and left behind, also if it is in no group with the run of its tests. */
export function endProcessesOf(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      if (environment.includes(`${COPY_MARK}=${folder}`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended, or belongs to another user.
    }
  }
}
