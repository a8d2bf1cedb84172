import type { SettingFlags } from '../config/flags.ts';
import { loadSettings } from '../config/load.ts';
import { NETWORKS } from '../config/networks.ts';
import { createDevnet } from '../devnet/node.ts';
import { createLogger } from '../telemetry/logger.ts';
import type { CommandContext } from './context.ts';

/** Runs a development chain alone until a signal ends it. */
export async function devnet(
  { env, stdout, shutdown }: CommandContext,
  given: SettingFlags['settings'],
): Promise<void> {
  const { settings } = loadSettings({ flags: { settings: given }, env, file: undefined });
  const logger = createLogger({ level: settings.LOGLEVEL, stream: stdout });
  const node = await createDevnet({
    host: '127.0.0.1',
    port: settings.DEVNET_PORT,
    netuid: settings.NETUID ?? NETWORKS.local.netuid,
    blockTimeMs: settings.DEVNET_BLOCK_TIME_MS,
    logger,
  });
  stdout.write(`READY chain=${node.url}\n`);
  await new Promise<void>((resolve) => shutdown.addEventListener('abort', () => resolve(), { once: true }));
  await node.close();
}
