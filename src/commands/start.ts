import type { SettingFlags } from '../config/flags.ts';
import { runMiner } from '../miner/lifecycle.ts';
import { displayEndpoint } from '../net/display-endpoint.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type CommandContext, configure, ROOT } from './context.ts';

/** Runs the miner until a signal ends it. */
export async function start(
  { env, stdout, shutdown, onHangup }: CommandContext,
  flags: SettingFlags,
): Promise<void> {
  const { loaded, config } = configure(flags, env);
  const logger = createLogger({ level: config.logLevel, stream: stdout });
  for (const warning of loaded.warnings) logger.warn({ warning }, 'settings');
  await runMiner(config, {
    logger,
    env,
    checkout: ROOT,
    shutdown,
    onHangup,
    onReady: ({ axonPort, adminPort }) => {
      const axon = `http://${config.axon.host === '0.0.0.0' ? '127.0.0.1' : config.axon.host}:${axonPort}`;
      const chain = config.chain.endpoints.map(displayEndpoint).join(',');
      stdout.write(`READY axon=${axon} admin=http://${config.admin.host}:${adminPort} chain=${chain}\n`);
    },
  });
}
