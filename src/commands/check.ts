import type { SettingFlags } from '../config/flags.ts';
import { checkMiner } from '../miner/check-miner.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type CommandContext, configure } from './context.ts';

/**
 * Checks a miner before it is started, as far as that is possible, and prints its hotkey and ports as one line of JSON.
 * @param replaces number of a process that will have ended when the miner starts
 * @throws AggregateError of MinerErrors: what would keep the miner from running
 */
export async function check(
  { env, shutdown, stdout }: CommandContext,
  flags: SettingFlags,
  replaces: number | undefined,
): Promise<void> {
  const { loaded, config } = configure(flags, env);
  const { hotkey, warnings } = await checkMiner(config, {
    env,
    replacing: replaces === undefined ? [] : [replaces],
    logger: createLogger({ level: 'silent' }),
    signal: shutdown,
  });
  const facts = {
    hotkey,
    type: config.minerType,
    axonPort: config.axon.port,
    adminPort: config.admin.port,
    warnings: [...loaded.warnings, ...warnings],
  };
  stdout.write(`${JSON.stringify(facts)}\n`);
}
