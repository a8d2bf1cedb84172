import { readStatus } from '../admin/read-status.ts';
import { statusLines } from '../admin/status-text.ts';
import { systemClock } from '../clock.ts';
import { EXIT_CODES } from '../miner/exit-codes.ts';
import { type CommandContext, configure } from './context.ts';

/**
 * Prints how the miner of the settings is, as its admin port tells.
 * @returns 0 if it is ready, 1 if not or if none runs
 */
export async function status(context: CommandContext): Promise<number> {
  const { port } = configure(context).config.admin;
  const report = await readStatus(port, context.shutdown);
  if (report === undefined) {
    context.stdout.write(`no miner answers on the admin port ${port} of this host\n`);
    return EXIT_CODES.internal;
  }
  context.stdout.write(`${statusLines(report, systemClock.now()).join('\n')}\n`);
  return report.readiness.ready ? EXIT_CODES.ok : EXIT_CODES.internal;
}
