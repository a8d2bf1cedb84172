// The flags of the settings: every setting has some, and commander reads them. commands/program.ts adds them to commands.
import { type Command, Option } from 'commander';
import { MinerCommand } from './command-line.ts';
import { metaOf, SETTING_KEYS, type SettingKey, settingsSchema } from './schema.ts';

/** What the flags of a command say about the settings. */
export interface SettingFlags {
  readonly settings: ReadonlyMap<SettingKey, string>;
  /** Development mode. */
  readonly dev: boolean;
  /** Settings file; `.env.miner` when absent. (Node itself takes `--env-file`, also after the script's name.) */
  readonly settingsFile: string | undefined;
}

/** The flags of a setting without their dashes: the SDK's spellings, then the key in kebab-case. */
export function flagsOf(key: SettingKey): readonly string[] {
  return [...new Set([...(metaOf(key).flags ?? []), key.toLowerCase().replaceAll('_', '-')])];
}

/** The SDK's flags that need no value, and the value that each stands for. */
const SWITCHES: readonly (readonly [flag: string, key: SettingKey, value: string])[] = [
  ['no-force-validator-permit', 'FORCE_VPERMIT', 'false'],
  ['logging.debug', 'LOGLEVEL', 'debug'],
  ['logging.trace', 'LOGLEVEL', 'trace'],
  ['logging.info', 'LOGLEVEL', 'info'],
];

/** The SDK's flag for FORCE_VPERMIT may have a value: without one it means true. */
const VALUE_WHEN_ABSENT: Readonly<Record<string, string>> = { 'blacklist.force_validator_permit': 'true' };

/**
 * Adds the flags of every setting to a command. The help shows the first spelling of each.
 * @returns the values of the command line, complete once commander has read it; the last one of a setting counts
 */
export function addSettingFlags(command: Command): ReadonlyMap<SettingKey, string> {
  const given = new Map<SettingKey, string>();
  const take = (key: SettingKey) => (value: string) => {
    given.set(key, value);
    return value;
  };
  const defaults = settingsSchema.parse({});
  for (const key of SETTING_KEYS) {
    const { section, doc } = metaOf(key);
    for (const [index, flag] of flagsOf(key).entries()) {
      const meantByNone = VALUE_WHEN_ABSENT[flag];
      const option = new Option(`--${flag} ${meantByNone === undefined ? '<value>' : '[value]'}`, doc)
        .helpGroup(`${section}:`)
        .hideHelp(index > 0)
        .default(defaults[key], String(defaults[key]))
        .argParser(take(key));
      command.addOption(meantByNone === undefined ? option : option.preset(meantByNone));
    }
  }
  for (const [flag, key, value] of SWITCHES) {
    command.addOption(new Option(`--${flag}`).hideHelp().preset(value).argParser(take(key)));
  }
  return given;
}

/**
 * Adds the flags of every setting, and the one that names the settings file.
 * @returns reads them, once commander has read the command line
 */
export function addSettingsSources(command: Command): () => SettingFlags {
  command.option('--settings <file>', 'read this file instead of .env.miner');
  const settings = addSettingFlags(command);
  return () => ({
    settings,
    dev: false,
    settingsFile: command.opts<{ settings?: string }>().settings,
  });
}

/** The same, with development mode, which reads no settings file. */
export function addFlags(command: Command): () => SettingFlags {
  command.option('--dev', 'development mode: public keys, loopback only, no settings file');
  const flags = addSettingsSources(command);
  return () => ({ ...flags(), dev: command.opts<{ dev?: boolean }>().dev === true });
}

/** The flags that say the same about the settings: one for each. */
export function toArguments(settings: ReadonlyMap<SettingKey, string>): string[] {
  return [...settings].map(([key, value]) => `--${flagsOf(key).at(-1)}=${value}`);
}

/**
 * Reads a command line that holds flags of settings alone.
 * @throws MinerError CONFIG_INVALID that names an unknown flag, with the nearest known one, or a flag without its value
 */
export function parseFlags(argv: readonly string[]): SettingFlags {
  const command = new MinerCommand('miner');
  const flags = addFlags(command);
  command.parse(argv, { from: 'user' });
  return flags();
}
