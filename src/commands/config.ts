import { SETTING_KEYS, type SettingKey } from '../config/schema.ts';
import { MinerError } from '../errors.ts';
import { displayEndpoints } from '../net/display-endpoint.ts';
import { type CommandContext, configure } from './context.ts';

/** Prints the effective settings with the origin of each, or with `--only KEY` one bare value; no key of an endpoint. */
export async function config(context: CommandContext): Promise<void> {
  const { loaded, only } = configure(context);
  const show = (key: SettingKey) => {
    const value = loaded.settings[key];
    if (key === 'CHAIN_ENDPOINT') return displayEndpoints((loaded.settings[key] ?? []).join(','));
    return Array.isArray(value) ? value.join(',') : String(value ?? '');
  };
  if (only !== undefined) {
    const key = SETTING_KEYS.find((known) => known === only);
    if (key === undefined) throw new MinerError('CONFIG_INVALID', `there is no setting ${only}`);
    context.stdout.write(`${show(key)}\n`);
    return;
  }
  for (const warning of loaded.warnings) context.stdout.write(`# warning: ${warning}\n`);
  for (const key of SETTING_KEYS) {
    context.stdout.write(`${key}=${show(key)}  # ${loaded.origins.get(key)?.name ?? 'default'}\n`);
  }
}
