// What every command is given by main.ts, and how a command gets its configuration.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SettingFlags } from '../config/flags.ts';
import { type LoadedSettings, loadSettings, readSettingsFile } from '../config/load.ts';
import { type MinerConfig, resolveConfig } from '../config/miner-config.ts';

/** The folder of the checkout: relative paths in the settings start from it. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  /** Aborted by SIGINT or SIGTERM. */
  readonly shutdown: AbortSignal;
  /** Does work that must not be left half done: until it ends, a second signal does not end the process. */
  readonly unbroken: <T>(work: () => Promise<T>) => Promise<T>;
  /** Takes over SIGHUP, which would end the process. It still does if the terminal of the process was closed. */
  readonly onHangup: (listener: () => void) => void;
}

/**
 * The configuration of a command from its flags, the environment and the settings file.
 * @throws MinerError CONFIG_*
 */
export function configure(
  flags: SettingFlags,
  env: CommandContext['env'],
): { readonly loaded: LoadedSettings; readonly config: MinerConfig } {
  const path = flags.settingsFile ?? join(ROOT, '.env.miner');
  const file = flags.dev ? undefined : { path, values: readSettingsFile(path) };
  const loaded = loadSettings({ flags, env, file });
  return { loaded, config: resolveConfig(loaded, { dev: flags.dev, root: ROOT }) };
}
