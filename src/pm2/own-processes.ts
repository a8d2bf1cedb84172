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
 * Makes sure that the own processes of an instance are one miner. A folder may still run a detector and a segmenter with
 * two hotkeys under the former names; which of them is meant, only a person can tell.
 * @param program how pm2 is called
 * @throws MinerError CONFIG_INSTANCE_TAKEN if more than one of them runs
 */
export function requireOneMiner(
  own: readonly Pm2Process[],
  { formerNames }: Instance,
  program: string,
): void {
  const living = own.filter(isLiving);
  if (living.length < 2 || !living.some(({ name }) => formerNames.includes(name))) return;
  const names = living.map(({ name }) => name).join(' and ');
  const lines = living.map(({ id, name }) => `\n  ${program} delete ${id}   ends ${name}`).join('');
  throw new MinerError(
    'CONFIG_INSTANCE_TAKEN',
    `pm2 runs ${names} of this folder, which may have two hotkeys; end the one that is to go:${lines}`,
  );
}

/**
 * Makes sure that own processes may be replaced by a miner of this hotkey.
 * @param program how pm2 is called
 * @throws MinerError CONFIG_INSTANCE_TAKEN if one of them runs another hotkey, or one with a former name does not tell
 */
export function requireSameHotkey(
  own: readonly Pm2Process[],
  hotkey: string,
  { formerNames }: Instance,
  program: string,
): void {
  const other = own.find((process) => process.hotkey !== undefined && process.hotkey !== hotkey);
  if (other !== undefined) {
    throw new MinerError(
      'CONFIG_INSTANCE_TAKEN',
      `pm2 runs the hotkey ${other.hotkey} under the name ${other.name}, and the settings name ${hotkey}`,
    );
  }
  const silent = own.find(
    (process) => process.hotkey === undefined && formerNames.includes(process.name) && isLiving(process),
  );
  if (silent === undefined) return;
  throw new MinerError(
    'CONFIG_INSTANCE_TAKEN',
    `pm2 runs ${silent.name} of this folder, and its hotkey cannot be read from its admin port; ` +
      `if the miner of these settings is to replace it:\n  ${program} delete ${silent.id}`,
  );
}

/**
 * Makes sure that the own processes are still those that were looked at before. pm2 itself may have restarted one
 * meanwhile, as it does again and again with a miner that ends.
 * @throws MinerError PM2_PROCESS_CHANGED
 */
export function requireUnchanged(before: readonly Pm2Process[], now: readonly Pm2Process[]): void {
  const isSame = (one: Pm2Process, other: Pm2Process): boolean =>
    one.id === other.id &&
    one.name === other.name &&
    (one.pid === other.pid || one.pid === undefined || other.restarts > one.restarts);
  const changed =
    before.find((one) => !now.some((other) => isSame(one, other))) ??
    now.find((one) => !before.some((other) => isSame(other, one)));
  if (changed === undefined) return;
  throw new MinerError(
    'PM2_PROCESS_CHANGED',
    `${changed.name} (number ${changed.id} of pm2) was started, ended or replaced by something else during the check`,
  );
}

/** Whether it runs, or pm2 is going to start it again. */
function isLiving({ pid, status }: Pm2Process): boolean {
  return pid !== undefined || !['stopped', 'errored'].includes(status);
}

/** Where links lead; the path itself if it is gone. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
