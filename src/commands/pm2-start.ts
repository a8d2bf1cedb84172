import { systemClock } from '../clock.ts';
import { type SettingFlags, toArguments } from '../config/flags.ts';
import { EXIT_CODES } from '../miner/exit-codes.ts';
import { startText } from '../pm2/start-text.ts';
import { startUnderPm2 } from '../pm2/start-under-pm2.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type CommandContext, configure, ROOT } from './context.ts';
import { underPm2 } from './pm2.ts';

const START_WAIT_MS = 60_000;

/**
 * Checks the miner, runs it under pm2 in place of the one before, and waits until it is ready.
 * @param program how pm2 is called
 * @returns 0 if the miner is ready or runs unregistered, its own exit code if it has ended, 1 if it is still starting
 */
export async function startWithPm2(
  context: CommandContext,
  flags: SettingFlags,
  program: string,
): Promise<number> {
  const { stdout, stderr, env, shutdown: signal, unbroken } = context;
  const { loaded, config } = configure(flags, env);
  const { instance, pm2 } = underPm2(env, program);
  // A terminal that closes must not end this between the old miner and the new one.
  context.onHangup(() => undefined);
  for (const warning of loaded.warnings) stdout.write(`warning: ${warning}\n`);
  const report = await startUnderPm2(config, {
    instance,
    pm2,
    checkout: ROOT,
    // start_miner.sh names the settings file itself.
    flags: toArguments(flags.settings),
    env,
    waitMs: START_WAIT_MS,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
    signal,
    unbroken,
    say: (line) => stdout.write(`${line}\n`),
  });
  const text = startText(report, { config, instance, pm2: pm2.program, waitMs: START_WAIT_MS });
  (text.succeeded ? stdout : stderr).write(`${text.lines.join('\n')}\n`);
  if (text.succeeded) return EXIT_CODES.ok;
  return report.outcome.kind === 'ended' && report.outcome.exitCode
    ? report.outcome.exitCode
    : EXIT_CODES.internal;
}
