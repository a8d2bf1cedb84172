import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
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
  /** The folder of all wallets; a leading `~` is the home folder. */
  readonly path: string;
  /** The wallet, a folder in `path`. */
  readonly name: string;
  /** The hotkey, a file in `<path>/<name>/hotkeys`. */
  readonly hotkey: string;
  /** A file with the password of an encrypted hotkey. */
  readonly passwordFile?: string | undefined;
  /** Where `HOME` and the `BT_PW_` variable are looked up: usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * Opens a Bittensor hotkey file, plain or `$NACL` encrypted; sr25519 only. No other file of the wallet is read.
 * An encrypted one blocks the event loop for seconds: open the wallet before listening.
 * @throws MinerError WALLET_*; CONFIG_INVALID if `name` or `hotkey` is not a plain file name
 */
export async function openWallet(options: OpenWalletOptions): Promise<Wallet> {
  const { path, name, hotkey } = options;
  const keyfilePath = hotkeyPath(options);
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

/** Joined, not normalised, as the SDK spells it: the name of the password variable is made from this path. */
function hotkeyPath({ path, name, hotkey, env }: OpenWalletOptions): string {
  // The coldkey lies beside the folder of the hotkeys. No name may lead out of that folder.
  for (const [key, value] of [
    ['WALLET_NAME', name],
    ['WALLET_HOTKEY', hotkey],
  ] as const) {
    if (value === '' || value === '.' || value === '..' || /[/\0]/.test(value)) {
      throw new MinerError('CONFIG_INVALID', `${key} is not a plain file name: ${JSON.stringify(value)}`);
    }
  }
  const folder = path.replace(/^~(?=\/|$)/, env.HOME ?? homedir()).replace(/(?<=.)\/+$/, '');
  return `${folder}/${name}/hotkeys/${hotkey}`;
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
