import { runMiner } from '../miner/lifecycle.ts';
import { displayEndpoint } from '../net/display-endpoint.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type CommandContext, configure, ROOT } from './context.ts';

/** Runs the miner until it is asked to end. */
export async function start(context: CommandContext): Promise<void> {
  const { loaded, config } = configure(context);
  const logger = createLogger({ level: config.logLevel, stream: context.stdout });
  for (const warning of loaded.warnings) logger.warn({ warning }, 'settings');
  await runMiner(config, {
    logger,
    env: context.env,
    checkout: ROOT,
    shutdown: context.shutdown,
    onHangup: context.onHangup,
    onReady: ({ axonPort, adminPort }) => {
      const axon = `http://${config.axon.host === '0.0.0.0' ? '127.0.0.1' : config.axon.host}:${axonPort}`;
      const chain = config.chain.endpoints.map(displayEndpoint).join(',');
      context.stdout.write(
        `READY axon=${axon} admin=http://${config.admin.host}:${adminPort} chain=${chain}\n`,
      );
    },
  });
}
