import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseFlags } from '../config/flags.ts';
import { type LoadedSettings, loadSettings, readSettingsFile } from '../config/load.ts';
import { type MinerConfig, resolveConfig } from '../config/miner-config.ts';

/** The folder of the checkout: what relative paths in the settings start from. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface CommandContext {
  /** Arguments after the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  /** Aborted by SIGINT or SIGTERM. */
  readonly shutdown: AbortSignal;
  /** Does work that must not be left half done: while it lasts, no second signal ends the process. */
  readonly unbroken: <T>(work: () => Promise<T>) => Promise<T>;
  /** Takes over SIGHUP, which ends the process otherwise, and still does where the terminal it was started at is closed. */
  readonly onHangup: (listener: () => void) => void;
}

/**
 * The configuration of a command from its flags, the environment and the settings file.
 * @throws MinerError CONFIG_*
 */
export function configure({ argv, env }: CommandContext): {
  loaded: LoadedSettings;
  config: MinerConfig;
  only: string | undefined;
} {
  const flags = parseFlags(argv);
  const path = flags.settingsFile ?? join(ROOT, '.env.miner');
  const file = flags.dev ? undefined : { path, values: readSettingsFile(path) };
  const loaded = loadSettings({ flags, env, file });
  return { loaded, config: resolveConfig(loaded, { dev: flags.dev, root: ROOT }), only: flags.only };
}
