import { realpathSync } from 'node:fs';
import { MinerError } from '../errors.ts';
import type { Instance } from './instance.ts';
import type { Pm2Process } from './process-list.ts';

/**
 * The processes of an instance of this checkout, also those that an older start_miner.sh started under other names.
 * @param checkout its folder
 * @throws MinerError CONFIG_INSTANCE_TAKEN if a process of another folder has the name
 */
export function ownProcesses(
  list: readonly Pm2Process[],
  { name, formerNames }: Instance,
  checkout: string,
): Pm2Process[] {
  const here = realPath(checkout);
  const foreign = list.find((process) => process.name === name && realPath(process.cwd) !== here);
  if (foreign !== undefined) {
    throw new MinerError(
      'CONFIG_INSTANCE_TAKEN',
      `pm2 runs a miner of ${foreign.cwd} under the name ${name}`,
    );
  }
  return list.filter(
    (process) =>
      process.name === name || (formerNames.includes(process.name) && realPath(process.cwd) === here),
  );
}

/**
 * Makes sure that processes may be replaced by a miner of this hotkey.
 * @throws MinerError CONFIG_INSTANCE_TAKEN if one of them runs another hotkey
 */
export function requireSameHotkey(processes: readonly Pm2Process[], hotkey: string): void {
  const other = processes.find((process) => process.hotkey !== undefined && process.hotkey !== hotkey);
  if (other === undefined) return;
  throw new MinerError(
    'CONFIG_INSTANCE_TAKEN',
    `pm2 runs the hotkey ${other.hotkey} under the name ${other.name}, and the settings name ${hotkey}`,
  );
}

/** Where links lead; the path itself if it is gone. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
