import type { SettingFlags } from '../config/flags.ts';
import { SETTING_KEYS, type SettingKey } from '../config/schema.ts';
import { MinerError } from '../errors.ts';
import { displayEndpoints } from '../net/display-endpoint.ts';
import { type CommandContext, configure } from './context.ts';

/**
 * Prints the settings in effect with the origin of each, and no key that is part of an endpoint.
 * @param only key of a setting: its value is printed alone
 * @throws MinerError CONFIG_INVALID if there is no such setting; CONFIG_*
 */
export async function config(
  { env, stdout }: CommandContext,
  flags: SettingFlags,
  only: string | undefined,
): Promise<void> {
  const { loaded } = configure(flags, env);
  const show = (key: SettingKey) => {
    const value = loaded.settings[key];
    if (key === 'CHAIN_ENDPOINT') return displayEndpoints((loaded.settings[key] ?? []).join(','));
    return Array.isArray(value) ? value.join(',') : String(value ?? '');
  };
  if (only !== undefined) {
    const key = SETTING_KEYS.find((known) => known === only);
    if (key === undefined) throw new MinerError('CONFIG_INVALID', `there is no setting ${only}`);
    stdout.write(`${show(key)}\n`);
    return;
  }
  for (const warning of loaded.warnings) stdout.write(`# warning: ${warning}\n`);
  for (const key of SETTING_KEYS) {
    stdout.write(`${key}=${show(key)}  # ${loaded.origins.get(key)?.name ?? 'default'}\n`);
  }
}
