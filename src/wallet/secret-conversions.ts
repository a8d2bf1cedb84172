import { mnemonicToMiniSecret, sr25519Agreement, sr25519PairFromSeed } from '@polkadot/util-crypto';
import { MinerError } from '../errors.ts';

/** An sr25519 key pair in the form that `@polkadot/util-crypto` signs with. */
export interface Sr25519Pair {
  /** 32 bytes: a compressed Ristretto point. */
  readonly publicKey: Uint8Array;
  /** 64 bytes: the scalar times the cofactor 8, little-endian, then the nonce. */
  readonly secretKey: Uint8Array;
}

const SCALAR_BYTES = 32;
const SEED_BYTES = 32;
const PRIVATE_KEY_BYTES = 64;
/** log2 of the cofactor 8. */
const COFACTOR_BITS = 3n;
/** Order of the Ristretto group: 2^252 + 27742317777372353535851937790883648493. */
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The compressed base point of the Ristretto group. */
const BASE_POINT = Uint8Array.from(
  Buffer.from('e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76', 'hex'),
);

/**
 * The pair of a secret phrase. Substrate's BIP39 stretches the entropy that the words encode, not the words.
 * @throws MinerError WALLET_FORMAT if it is not 12 to 24 English BIP39 words with a right checksum
 */
export function pairFromPhrase(phrase: string): Sr25519Pair {
  const words = phrase.trim().split(/\s+/).join(' ');
  let seed: Uint8Array;
  try {
    seed = mnemonicToMiniSecret(words);
  } catch {
    // Without the cause: its message may quote the secret text.
    throw new MinerError('WALLET_FORMAT', 'secretPhrase is not a valid phrase of 12 to 24 BIP39 words');
  }
  return pairFromSeed(seed);
}

/** The pair of a 32-byte seed (the "mini secret"), expanded as Ed25519 does. */
export function pairFromSeed(seed: Uint8Array): Sr25519Pair {
  return sr25519PairFromSeed(seed);
}

/**
 * The pair of the `privateKey` of a key file: 64 bytes, the canonical scalar (little-endian) and the nonce;
 * or 32 bytes, which are a seed.
 * @throws MinerError WALLET_FORMAT if it has another length, or the scalar is not in [1, group order)
 */
export function pairFromPrivateKey(privateKey: Uint8Array): Sr25519Pair {
  if (privateKey.length === SEED_BYTES) return pairFromSeed(privateKey);
  if (privateKey.length !== PRIVATE_KEY_BYTES) {
    throw new MinerError('WALLET_FORMAT', `privateKey has ${privateKey.length} bytes, not 64 or 32`);
  }
  const scalar = littleEndianToBigint(privateKey.subarray(0, SCALAR_BYTES));
  if (scalar === 0n || scalar >= GROUP_ORDER) {
    throw new MinerError('WALLET_FORMAT', 'privateKey does not begin with a canonical sr25519 scalar');
  }
  const secretKey = new Uint8Array(PRIVATE_KEY_BYTES);
  secretKey.set(bigintToLittleEndian(scalar << COFACTOR_BITS), 0);
  secretKey.set(privateKey.subarray(SCALAR_BYTES), SCALAR_BYTES);
  return { publicKey: publicKeyOf(secretKey), secretKey };
}

/**
 * The public key is the scalar times the base point. util-crypto has no function for that, but its key agreement is
 * the product of a scalar and a point.
 */
function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  return sr25519Agreement(secretKey, BASE_POINT);
}

function littleEndianToBigint(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function bigintToLittleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: SCALAR_BYTES }, (_, index) =>
    Number((value >> BigInt(8 * index)) & 0xffn),
  );
}
