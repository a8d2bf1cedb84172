import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { MinerConfig } from '../config/miner-config.ts';
import { MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { developmentWallet, isDevelopmentAddress } from '../wallet/development.ts';
import { openWallet } from '../wallet/open-wallet.ts';
import type { Wallet } from '../wallet/wallet.ts';
import { requireSecretsApart } from './secrets-apart.ts';

interface OpenHotkeyContext {
  /** Where a password may be: usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * Opens the hotkey that the miner signs with: //Bob in development mode, else the one of the settings. From then on a
 * crash of this process, or of one that it starts, writes no memory to disk. Call `cryptoWaitReady` first.
 * @throws MinerError WALLET_*, CONFIG_INVALID
 */
export async function openHotkey(
  config: Pick<MinerConfig, 'dev' | 'wallet' | 'chain' | 'models' | 'minerType'>,
  { env, logger }: OpenHotkeyContext,
): Promise<Wallet> {
  await forbidCoreFiles(logger);
  if (!config.dev) await requireSecretsApart(config);
  const wallet = config.dev
    ? developmentWallet('//Bob')
    : await openWallet({ ...config.wallet, env, logger });
  if (isDevelopmentAddress(wallet.hotkeyAddress) && config.chain.isPublic) {
    throw new MinerError(
      'WALLET_DEV_KEY_REFUSED',
      `the hotkey ${wallet.hotkeyAddress} is a public development key; anyone can sign for it on ${config.chain.networkName}`,
    );
  }
  return wallet;
}

/**
 * Keeps the system from writing the memory of this process, which will hold the hotkey, to disk if it crashes. Processes
 * that it starts inherit that. Without prlimit (util-linux) it warns.
 */
async function forbidCoreFiles(logger: Logger): Promise<void> {
  try {
    // The kernel may pipe core files to a program (core(5)) whatever the limit is; with this they hold no memory.
    await writeFile('/proc/self/coredump_filter', '0');
    await promisify(execFile)('prlimit', [`--pid=${process.pid}`, '--core=0:0']);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    logger.warn({ reason: message }, 'core files are not forbidden: a crash may write the hotkey to disk');
  }
}
