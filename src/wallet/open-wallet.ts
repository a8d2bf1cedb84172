import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { inBothForms } from './btcli.ts';
import { decryptKeyfile, deriveKey } from './encrypted-keyfile.ts';
import { keyfileEncoding, pairFromKeyfile } from './keyfile.ts';
import { findPassword } from './password.ts';
import { NotASmallFileError, readSmallFile, type SmallFile } from './read-small-file.ts';
import { createWallet, type Wallet } from './wallet.ts';

const KEYFILE_LIMIT_BYTES = 64 * 1024;
const LISTED_HOTKEYS = 20;

export interface OpenWalletOptions {
  /** The folder of all wallets. */
  readonly folder: string;
  /** The same as the operator wrote it, for a command of btcli. */
  readonly path: string;
  /** The wallet: a plain name of a folder in `folder`. */
  readonly name: string;
  /** The hotkey: a plain name of a file in `<folder>/<name>/hotkeys`. */
  readonly hotkey: string;
  /** A file with the password of an encrypted hotkey. */
  readonly passwordFile?: string | undefined;
  /** Holds the `BT_PW_` variable: usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * Opens a Bittensor hotkey file, plain or `$NACL` encrypted; sr25519 only. No other file of the wallet is read.
 * An encrypted one blocks the event loop for seconds: open the wallet before listening.
 * @throws MinerError WALLET_*
 */
export async function openWallet(options: OpenWalletOptions): Promise<Wallet> {
  const { folder, path, name, hotkey } = options;
  // Joined, not normalised, as the SDK spells it: the name of the password variable is made from this path.
  const keyfilePath = `${folder}/${name}/hotkeys/${hotkey}`;
  const file = await readKeyfile(keyfilePath);
  try {
    const encoding = keyfileEncoding(file.bytes);
    switch (encoding) {
      case 'plain':
        if (file.readableByOthers) {
          options.logger.warn({ path: keyfilePath }, 'hotkey file is readable by others; chmod 600 it');
        }
        return createWallet(pairFromKeyfile(file.bytes), keyfilePath);
      case 'nacl':
        return createWallet(pairFromKeyfile(await decrypt(file.bytes, keyfilePath, options)), keyfilePath);
      default:
        throw new MinerError(
          'WALLET_FORMAT',
          `its encryption (${encoding}) is too old for this miner; write the file again from its words with ` +
            inBothForms({ command: 'wallet regen-hotkey', wallet: { name, hotkey, path } }),
        );
    }
  } catch (error) {
    if (error instanceof MinerError && (error.code === 'WALLET_FORMAT' || error.code === 'WALLET_MISMATCH')) {
      throw new MinerError(error.code, `the hotkey file ${keyfilePath} cannot be used: ${error.message}`);
    }
    throw error;
  }
}

async function readKeyfile(path: string): Promise<SmallFile> {
  try {
    return await readSmallFile(path, KEYFILE_LIMIT_BYTES);
  } catch (error) {
    if (error instanceof NotASmallFileError) {
      throw new MinerError('WALLET_FORMAT', `the hotkey file ${path} cannot be used: ${error.message}`);
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new MinerError(
        'WALLET_NOT_FOUND',
        `there is no hotkey file ${path}; ${await hotkeysBeside(path)}`,
      );
    }
    throw new MinerError('WALLET_UNREADABLE', `the hotkey file ${path} cannot be read (${code})`, {
      cause: error,
    });
  }
}

/** The hotkeys that exist: the operator may have misspelt the name. */
async function hotkeysBeside(path: string): Promise<string> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return `and its folder ${folder} cannot be read`;
  const hotkeys = names.filter((name) => !name.endsWith('pub.txt')).sort();
  if (hotkeys.length === 0) return 'its folder holds no hotkeys';
  const more = hotkeys.length > LISTED_HOTKEYS ? ` and ${hotkeys.length - LISTED_HOTKEYS} more` : '';
  return `its folder holds: ${hotkeys.slice(0, LISTED_HOTKEYS).join(', ')}${more}`;
}

async function decrypt(
  file: Uint8Array,
  keyfilePath: string,
  options: OpenWalletOptions,
): Promise<Uint8Array> {
  const { passwordFile, env, logger } = options;
  const password = await findPassword({ keyfilePath, passwordFile, env, logger });
  logger.info({ path: keyfilePath }, 'opening the encrypted hotkey; this takes some seconds');
  return decryptKeyfile(file, await deriveKey(password));
}
