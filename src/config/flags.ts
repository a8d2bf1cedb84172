import { parseArgs } from 'node:util';
import { MinerError } from '../errors.ts';
import { displayValue } from '../net/display-endpoint.ts';
import { nearest } from './nearest.ts';
import { metaOf, SETTING_KEYS, type SettingKey } from './schema.ts';

/** What `--dev` and the like are, beside the settings. */
export interface CommandFlags {
  readonly settings: ReadonlyMap<SettingKey, string>;
  readonly dev: boolean;
  /** Settings file; `.env.miner` when absent. (Node itself takes `--env-file`, also after the script's name.) */
  readonly settingsFile: string | undefined;
  /** `config --only KEY`: print one value. */
  readonly only: string | undefined;
}

/** The flags of a setting without their dashes: the SDK's spellings, then the key in kebab-case. */
export function flagsOf(key: SettingKey): readonly string[] {
  return [...(metaOf(key).flags ?? []), key.toLowerCase().replaceAll('_', '-')];
}

const FLAG_TO_KEY: ReadonlyMap<string, SettingKey> = new Map(
  SETTING_KEYS.flatMap((key) => flagsOf(key).map((flag) => [flag, key] as const)),
);

/** The SDK's switches that take no value. */
const SWITCHES: ReadonlyMap<string, readonly [SettingKey, string]> = new Map([
  ['no-force-validator-permit', ['FORCE_VPERMIT', 'false'] as const],
  ['blacklist.force_validator_permit', ['FORCE_VPERMIT', 'true'] as const],
  ['logging.debug', ['LOGLEVEL', 'debug'] as const],
  ['logging.trace', ['LOGLEVEL', 'trace'] as const],
  ['logging.info', ['LOGLEVEL', 'info'] as const],
]);

/**
 * Reads the flags of a command line (without the command's name).
 * @throws MinerError CONFIG_INVALID that names every unknown flag, with the nearest known one, and every flag
 * that lacks its value.
 */
export function parseFlags(argv: readonly string[]): CommandFlags {
  const values = new Map<SettingKey, string>();
  const problems: string[] = [];
  const plain = new Map<string, string>();
  let dev = false;
  const { tokens } = parseArgs({ args: [...argv], strict: false, allowPositionals: true, tokens: true });
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === undefined || token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      problems.push(`unexpected argument "${displayValue(token.value)}"`);
      continue;
    }
    if (token.name === 'dev' && token.value === undefined) {
      dev = true;
      continue;
    }
    const setBySwitch = SWITCHES.get(token.name);
    if (setBySwitch !== undefined && token.value === undefined) {
      values.set(...setBySwitch);
      continue;
    }
    const key = FLAG_TO_KEY.get(token.name);
    const known = key !== undefined || token.name === 'settings' || token.name === 'only';
    if (!known) {
      const guess = nearest(token.name, [...FLAG_TO_KEY.keys(), ...SWITCHES.keys(), 'dev', 'settings']);
      problems.push(
        `unknown flag ${token.rawName}${guess === undefined ? '' : `; did you mean --${guess}?`}`,
      );
      continue;
    }
    let value = token.value;
    const following = tokens[index + 1];
    if (value === undefined && following?.kind === 'positional') {
      value = following.value;
      index++;
    }
    if (value === undefined) problems.push(`flag ${token.rawName} needs a value`);
    else if (key === undefined) plain.set(token.name, value);
    else values.set(key, value);
  }
  if (problems.length > 0) throw new MinerError('CONFIG_INVALID', problems.join('\n'));
  return { settings: values, dev, settingsFile: plain.get('settings'), only: plain.get('only') };
}
