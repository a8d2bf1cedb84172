import type { ErrorCode } from '../errors.ts';

/**
 * The exit codes of the process. From 10 on a restart alone does not help, so the process manager must not try it.
 * `deploy/ecosystem.config.cjs` lists them, too; a test keeps both equal.
 */
export const EXIT_CODES = {
  ok: 0,
  internal: 1,
  config: 10,
  wallet: 11,
  notRegistered: 12,
  model: 13,
  portInUse: 14,
  wrongNetwork: 15,
  hotkeyInUse: 16,
  /** A second SIGINT or SIGTERM during shutdown, or a first one during a command that ends by itself. */
  forced: 130,
} as const;

/** The exit codes after which the process manager leaves the miner stopped. */
export const LASTING_EXIT_CODES: ReadonlySet<number> = new Set(
  Object.values(EXIT_CODES).filter((code) => code >= EXIT_CODES.config && code !== EXIT_CODES.forced),
);

/** The exit code for a failure that ends the process. */
export function exitCodeOf(code: ErrorCode): number {
  if (code === 'WALLET_DEV_KEY_REFUSED' || code === 'CHAIN_WRONG_NETWORK') return EXIT_CODES.wrongNetwork;
  if (code === 'CHAIN_NOT_REGISTERED') return EXIT_CODES.notRegistered;
  if (code === 'HOTKEY_IN_USE') return EXIT_CODES.hotkeyInUse;
  if (code === 'STATE_DIR_UNUSABLE') return EXIT_CODES.config;
  if (code === 'AXON_PORT_IN_USE') return EXIT_CODES.portInUse;
  if (code.startsWith('CONFIG_')) return EXIT_CODES.config;
  if (code.startsWith('WALLET_')) return EXIT_CODES.wallet;
  // The model may work once memory is free, so a restart can help.
  if (code === 'MODEL_UNAVAILABLE') return EXIT_CODES.internal;
  if (code.startsWith('MODEL_')) return EXIT_CODES.model;
  return EXIT_CODES.internal;
}
