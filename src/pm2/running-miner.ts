import { type MinerIdentity, readIdentity } from '../admin/read-status.ts';
import { portsHeldBy } from '../net/port-holders.ts';
import type { Pm2Process } from './process-list.ts';

/**
 * Asks a process of pm2 for its hotkey and its admin port. The values in pm2's list date from the last start by
 * start_miner.sh, and the settings may have changed before a later restart. It asks the admin port in the list first,
 * then each port that the process listens on. Never rejects.
 * @returns undefined if the process does not run, or none of its ports answers as the admin port of a miner
 */
export async function askIdentity(
  { pid, adminPort }: Pick<Pm2Process, 'pid' | 'adminPort'>,
  signal: AbortSignal,
): Promise<MinerIdentity | undefined> {
  if (pid === undefined) return undefined;
  for (const port of new Set([...(adminPort === undefined ? [] : [adminPort]), ...portsHeldBy(pid)])) {
    const identity = await readIdentity(port, signal);
    if (identity?.pid === pid) return identity;
  }
  return undefined;
}

/** A process with the hotkey and the admin port that it has now; those in pm2's list if it does not answer. */
export async function withPresentFacts(process: Pm2Process, signal: AbortSignal): Promise<Pm2Process> {
  const { hotkey, adminPort } = (await askIdentity(process, signal)) ?? process;
  return { ...process, hotkey, adminPort };
}
