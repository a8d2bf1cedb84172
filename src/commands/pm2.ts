// What start_miner.sh does with a miner that runs under pm2; pm2-start.ts starts one.
import { systemClock } from '../clock.ts';
import { MinerError } from '../errors.ts';
import { EXIT_CODES } from '../miner/exit-codes.ts';
import { type Instance, instanceNamed } from '../pm2/instance.ts';
import { ownProcesses, requireOneMiner } from '../pm2/own-processes.ts';
import { createPm2, type Pm2 } from '../pm2/pm2.ts';
import { statusUnderPm2 } from '../pm2/status-under-pm2.ts';
import { type CommandContext, ROOT } from './context.ts';

/**
 * The instance that the variable INSTANCE names, and pm2.
 * @param program how pm2 is called
 */
export function underPm2(env: CommandContext['env'], program: string): { instance: Instance; pm2: Pm2 } {
  return { instance: instanceNamed(env.INSTANCE ?? ''), pm2: createPm2({ program, env }) };
}

/**
 * Prints the state of the miner.
 * @returns 0 if it is ready, 1 if it is not
 */
export async function status(
  { env, stdout, shutdown: signal }: CommandContext,
  program: string,
  words: readonly string[],
): Promise<number> {
  refuseWords('status', words);
  const { isReady, lines } = await statusUnderPm2({
    ...underPm2(env, program),
    checkout: ROOT,
    clock: systemClock,
    signal,
  });
  stdout.write(`${lines.join('\n')}\n`);
  return isReady ? EXIT_CODES.ok : EXIT_CODES.internal;
}

/** Ends the miner after the requests that it has admitted. */
export async function stop(
  { env, stdout, shutdown }: CommandContext,
  program: string,
  words: readonly string[],
): Promise<void> {
  refuseWords('stop', words);
  const { instance, pm2 } = underPm2(env, program);
  const own = ownProcesses(await pm2.list(shutdown), instance, ROOT);
  requireOneMiner(own, instance, pm2.program);
  if (own.length === 0) stdout.write(`${instance.name} does not run under pm2\n`);
  for (const { id, name, pid } of own) {
    if (pid !== undefined)
      stdout.write(`ending ${name}; it first answers the requests that it has admitted\n`);
    await pm2.delete(id);
    stdout.write(`${name} has ended, and pm2 has forgotten it\n`);
    if (pm2.isSaved(name)) stdout.write(`a reboot would start it again: ${pm2.program} save\n`);
  }
}

/**
 * Follows the log of the miner until a signal ends that.
 * @param flags flags of `pm2 logs`
 * @returns 0, or 1 if the miner does not run
 */
export async function logs(
  { env, stdout, shutdown }: CommandContext,
  program: string,
  flags: readonly string[],
): Promise<number> {
  const { instance, pm2 } = underPm2(env, program);
  const [process] = ownProcesses(await pm2.list(shutdown), instance, ROOT);
  if (process === undefined) {
    stdout.write(`${instance.name} does not run under pm2; ${instance.script} starts it\n`);
    return EXIT_CODES.internal;
  }
  await pm2.followLog(process.name, flags, shutdown);
  return EXIT_CODES.ok;
}

/** A person who writes `stop two` means the instance `two`, and not the one that would be stopped. */
function refuseWords(action: string, words: readonly string[]): void {
  if (words.length === 0) return;
  throw new MinerError(
    'CONFIG_INVALID',
    `${action} takes no "${words.join(' ')}"; --instance NAME, or the variable INSTANCE, names another miner`,
  );
}
