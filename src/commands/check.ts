import { MinerError } from '../errors.ts';
import { checkMiner } from '../miner/check-miner.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type CommandContext, configure } from './context.ts';
import { takeFlag } from './take-flag.ts';

/**
 * Checks what can be checked of a miner before it is started, and prints its hotkey and ports as one line of JSON.
 * `--replaces PID` names a process that will have ended by then.
 */
export async function check(context: CommandContext): Promise<void> {
  const { value, rest } = takeFlag(context.argv, '--replaces');
  const { loaded, config } = configure({ ...context, argv: rest });
  const { hotkey, warnings } = await checkMiner(config, {
    env: context.env,
    replacing: value === undefined ? [] : [toPid(value)],
    logger: createLogger({ level: 'silent' }),
    signal: context.shutdown,
  });
  const facts = {
    hotkey,
    type: config.minerType,
    axonPort: config.axon.port,
    adminPort: config.admin.port,
    warnings: [...loaded.warnings, ...warnings],
  };
  context.stdout.write(`${JSON.stringify(facts)}\n`);
}

function toPid(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new MinerError('CONFIG_INVALID', `--replaces takes the number of a process, not "${text}"`);
}
