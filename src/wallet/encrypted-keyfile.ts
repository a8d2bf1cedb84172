// Opens a key file that btcli has encrypted with a password (`$NACL`). open-wallet.ts calls it.
import { naclDecrypt } from '@polkadot/util-crypto';
import { argon2i } from 'hash-wasm';
import { MinerError } from '../errors.ts';

const MAGIC_BYTES = '$NACL'.length;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Part of the format: every key file has this salt. */
const SALT = Buffer.from('137183dff15a09bc9c90b5518739e9b1', 'hex');
/**
 * libsodium's "sensitive" limits of argon2i. Its constants without the name of an algorithm are those of argon2id
 * (4 passes, 1 GiB), and give another key.
 */
const PASSES = 8;
const MEMORY_KIB = 512 * 1024;

/**
 * The 32-byte key of an encrypted key file: Argon2i version 1.3 over the password.
 * It takes 512 MiB and some seconds of one core, and **blocks the event loop** for that time. A miner opens its wallet
 * once, before it listens, so it needs no worker for this.
 * @throws MinerError WALLET_UNREADABLE if there is less memory
 */
export async function deriveKey(password: Uint8Array): Promise<Uint8Array> {
  try {
    return await argon2i({
      password,
      salt: SALT,
      parallelism: 1,
      iterations: PASSES,
      memorySize: MEMORY_KIB,
      hashLength: KEY_BYTES,
      outputType: 'binary',
    });
  } catch (error) {
    throw new MinerError(
      'WALLET_UNREADABLE',
      'to open an encrypted hotkey, the miner needs 512 MiB of memory',
      {
        cause: error,
      },
    );
  }
}

/**
 * The plain bytes of an encrypted key file. It holds `$NACL`, a nonce of 24 bytes, then XSalsa20-Poly1305 with its tag
 * of 16 bytes first.
 * @param key of `deriveKey`
 * @throws MinerError WALLET_FORMAT if it is too short, WALLET_PASSWORD_WRONG if the key does not open it
 */
export function decryptKeyfile(file: Uint8Array, key: Uint8Array): Uint8Array {
  const nonceEnd = MAGIC_BYTES + NONCE_BYTES;
  if (file.length < nonceEnd + TAG_BYTES) {
    throw new MinerError('WALLET_FORMAT', 'the encrypted key file is cut short');
  }
  const plain = naclDecrypt(file.subarray(nonceEnd), file.subarray(MAGIC_BYTES, nonceEnd), key);
  if (plain === null) {
    throw new MinerError('WALLET_PASSWORD_WRONG', 'the password does not open the encrypted key file');
  }
  return plain;
}
