import { readStatus } from '../admin/read-status.ts';
import { statusLines } from '../admin/status-text.ts';
import { systemClock } from '../clock.ts';
import type { SettingFlags } from '../config/flags.ts';
import { EXIT_CODES } from '../miner/exit-codes.ts';
import { type CommandContext, configure } from './context.ts';

/**
 * Prints the state of the miner that the settings describe, from its admin port.
 * @returns 0 if it is ready, 1 if it is not or does not run
 */
export async function status(
  { env, stdout, shutdown }: CommandContext,
  flags: SettingFlags,
): Promise<number> {
  const { port } = configure(flags, env).config.admin;
  const report = await readStatus(port, shutdown);
  if (report === undefined) {
    stdout.write(`no miner answers on the admin port ${port} of this host\n`);
    return EXIT_CODES.internal;
  }
  stdout.write(`${statusLines(report, systemClock.now()).join('\n')}\n`);
  return report.readiness.ready ? EXIT_CODES.ok : EXIT_CODES.internal;
}
