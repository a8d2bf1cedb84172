import { systemClock } from '../clock.ts';
import { MinerError } from '../errors.ts';
import { EXIT_CODES } from '../miner/exit-codes.ts';
import { type Instance, instanceNamed } from '../pm2/instance.ts';
import { ownProcesses, requireOneMiner } from '../pm2/own-processes.ts';
import { createPm2, type Pm2 } from '../pm2/pm2.ts';
import { startText } from '../pm2/start-text.ts';
import { startUnderPm2 } from '../pm2/start-under-pm2.ts';
import { statusUnderPm2 } from '../pm2/status-under-pm2.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type CommandContext, configure, ROOT } from './context.ts';
import { takeFlag } from './take-flag.ts';

/** An instance of the miner under pm2, as start_miner.sh names both. */
interface Call {
  readonly instance: Instance;
  readonly pm2: Pm2;
  /** Flags that are left. */
  readonly flags: readonly string[];
}

const START_WAIT_MS = 60_000;

const ACTIONS: Readonly<Record<string, (context: CommandContext, call: Call) => Promise<number>>> = {
  start,
  status,
  stop,
  logs,
};

/**
 * What start_miner.sh does with pm2: `pm2 start|status|stop|logs --pm2 PROGRAM [flags]`, for the instance that the
 * variable INSTANCE names.
 * @returns the exit code
 */
export async function pm2(context: CommandContext): Promise<number> {
  const [name = '', ...rest] = context.argv;
  const action = ACTIONS[name];
  if (action === undefined) {
    throw new MinerError('CONFIG_INVALID', 'say what to do: pm2 start, pm2 status, pm2 stop or pm2 logs');
  }
  const { value: program = 'pm2', rest: flags } = takeFlag(rest, '--pm2');
  const instance = instanceNamed(context.env.INSTANCE ?? '');
  return action(context, { instance, pm2: createPm2({ program, env: context.env }), flags });
}

/** 0 if the miner is ready or runs unregistered, its own exit code if it ended, 1 if it goes on trying. */
async function start(context: CommandContext, { instance, pm2, flags }: Call): Promise<number> {
  const { loaded, config } = configure({ ...context, argv: flags });
  const { stdout, stderr, env, shutdown: signal } = context;
  // A terminal that closes must not end this between the old miner and the new one.
  context.onHangup(() => undefined);
  for (const warning of loaded.warnings) stdout.write(`warning: ${warning}\n`);
  const report = await startUnderPm2(config, {
    instance,
    pm2,
    checkout: ROOT,
    // The script names the settings file by itself.
    flags: takeFlag(flags, '--settings').rest,
    env,
    waitMs: START_WAIT_MS,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    signal,
    unbroken: context.unbroken,
    say: (line) => stdout.write(`${line}\n`),
  });
  const text = startText(report, { config, instance, pm2: pm2.program, waitMs: START_WAIT_MS });
  (text.succeeded ? stdout : stderr).write(`${text.lines.join('\n')}\n`);
  if (text.succeeded) return EXIT_CODES.ok;
  return report.outcome.kind === 'ended' && report.outcome.exitCode
    ? report.outcome.exitCode
    : EXIT_CODES.internal;
}

/** 0 if the miner is ready, 1 if not. */
async function status(context: CommandContext, { instance, pm2, flags }: Call): Promise<number> {
  const { stdout, shutdown: signal } = context;
  refuseMore('status', flags);
  const { isReady, lines } = await statusUnderPm2({
    instance,
    pm2,
    checkout: ROOT,
    clock: systemClock,
    signal,
  });
  stdout.write(`${lines.join('\n')}\n`);
  return isReady ? EXIT_CODES.ok : EXIT_CODES.internal;
}

async function stop({ stdout, shutdown }: CommandContext, { instance, pm2, flags }: Call): Promise<number> {
  refuseMore('stop', flags);
  const own = ownProcesses(await pm2.list(shutdown), instance, ROOT);
  requireOneMiner(own, instance, pm2.program);
  if (own.length === 0) stdout.write(`${instance.name} does not run under pm2\n`);
  for (const { id, name, pid } of own) {
    if (pid !== undefined) stdout.write(`ending ${name}, which answers first what it has admitted\n`);
    await pm2.delete(id);
    stdout.write(`${name} has ended, and pm2 has forgotten it\n`);
    if (pm2.isSaved(name)) stdout.write(`a reboot would start it again: ${pm2.program} save\n`);
  }
  return EXIT_CODES.ok;
}

async function logs({ stdout, shutdown }: CommandContext, { instance, pm2, flags }: Call): Promise<number> {
  const [process] = ownProcesses(await pm2.list(shutdown), instance, ROOT);
  if (process === undefined) {
    stdout.write(`${instance.name} does not run under pm2; ${instance.script} starts it\n`);
    return EXIT_CODES.internal;
  }
  await pm2.followLog(process.name, flags, shutdown);
  return EXIT_CODES.ok;
}

/** Whoever writes `stop two` means another miner than the one that would be stopped. */
function refuseMore(action: string, flags: readonly string[]): void {
  if (flags.length === 0) return;
  throw new MinerError(
    'CONFIG_INVALID',
    `${action} takes no "${flags.join(' ')}"; --instance NAME, or the variable INSTANCE, names another miner`,
  );
}
