import { realpathSync } from 'node:fs';
import { MinerError } from '../errors.ts';
import type { Instance } from './instance.ts';
import type { Pm2Process } from './process-list.ts';

/**
 * The processes of an instance of this checkout, with those that an older start_miner.sh started under other names.
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
 * Makes sure that at most one process of an instance runs. A folder may still run a detector and a segmenter with two
 * hotkeys under the former names, and only a person can tell which of them is meant.
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
    `pm2 runs ${names} of this folder, which may have two hotkeys; end one of them:${lines}`,
  );
}

/**
 * Makes sure that a miner with this hotkey may replace the processes of its instance.
 * @param program how pm2 is called
 * @throws MinerError CONFIG_INSTANCE_TAKEN if one of them runs another hotkey, or the hotkey of one with a former name is unknown
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
      `if this miner may replace it, end it with:\n  ${program} delete ${silent.id}`,
  );
}

/**
 * Makes sure that the processes are the same as before. A restart by pm2 itself is no change: pm2 restarts a miner that
 * ends.
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

/** Whether it runs, or pm2 will start it again. */
function isLiving({ pid, status }: Pm2Process): boolean {
  return pid !== undefined || !['stopped', 'errored'].includes(status);
}

/** The path without links; the path itself if it does not exist. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
