import { encodeAddress } from '@polkadot/util-crypto';
import { MinerError } from '../errors.ts';
import { pairFromPhrase, pairFromPrivateKey, pairFromSeed, type Sr25519Pair } from './secret-conversions.ts';

/** The address format of Bittensor. */
export const SS58_FORMAT = 42;

export type KeyfileEncoding = 'plain' | 'nacl' | 'ansible-vault' | 'fernet';

const MAGICS: readonly (readonly [magic: string, encoding: KeyfileEncoding])[] = [
  ['$NACL', 'nacl'],
  ['$ANSIBLE_VAULT', 'ansible-vault'],
  ['gAAAAA', 'fernet'],
];

/** The encoding of a key file, from its first bytes. */
export function keyfileEncoding(bytes: Uint8Array): KeyfileEncoding {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString('latin1');
  return MAGICS.find(([magic]) => head.startsWith(magic))?.[1] ?? 'plain';
}

/** The fields of a key file that hold a secret, the most trusted first. */
const SECRET_FIELDS = [
  ['secretPhrase', pairFromPhrase],
  ['secretSeed', (text: string) => pairFromSeed(hexBytes('secretSeed', text, [32]))],
  ['privateKey', (text: string) => pairFromPrivateKey(hexBytes('privateKey', text, [64, 32]))],
] as const;

const PUBLIC_FIELDS = ['ss58Address', 'publicKey', 'accountId'] as const;
const TEXT_FIELDS: readonly string[] = [...SECRET_FIELDS.map(([field]) => field), ...PUBLIC_FIELDS];
/** The SDK's number for sr25519; newer wallets write it. */
const CRYPTO_TYPE_SR25519 = 1;

/**
 * The sr25519 pair in a plain key file. The file is one JSON object whose fields hold text or null. Since btwallet 4.1
 * it also holds the number `cryptoType`, which must be that of sr25519. Unknown fields are ignored. Every secret in it
 * must give the same key, and `ss58Address`, `publicKey` and `accountId` must be those of this key.
 * @returns the pair of the first of secretPhrase, secretSeed and privateKey
 * @throws MinerError WALLET_FORMAT; WALLET_MISMATCH if the fields belong to different keys
 */
export function pairFromKeyfile(bytes: Uint8Array): Sr25519Pair {
  const fields = parseFields(bytes);
  const derived = SECRET_FIELDS.flatMap(([field, derive]) => {
    const text = fields.get(field);
    return text === undefined ? [] : [{ field, pair: derive(text) }];
  });
  const [first, ...others] = derived;
  if (first === undefined) throw noSecret(fields);
  for (const other of others) {
    if (!sameBytes(other.pair.publicKey, first.pair.publicKey)) {
      throw new MinerError('WALLET_MISMATCH', `${first.field} and ${other.field} belong to different keys`);
    }
  }
  checkPublicFields(fields, first.field, first.pair.publicKey);
  return first.pair;
}

function parseFields(bytes: Uint8Array): ReadonlyMap<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Without the cause: JSON.parse quotes the text in its message, and the text may be a secret.
    throw new MinerError(
      'WALLET_FORMAT',
      /^\s*0x[0-9a-f]{64}\s*$/i.test(Buffer.from(bytes).toString('latin1'))
        ? 'it holds a public key only; the miner needs the secret one'
        : 'it is neither JSON nor an encrypted key file',
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new MinerError('WALLET_FORMAT', 'it holds JSON, but not an object');
  }
  checkCryptoType('cryptoType' in parsed ? parsed.cryptoType : null);
  const fields = new Map<string, string>();
  for (const [field, value] of Object.entries(parsed)) {
    if (value === null || !TEXT_FIELDS.includes(field)) continue;
    if (typeof value !== 'string') {
      throw new MinerError('WALLET_FORMAT', `the value of ${JSON.stringify(field)} is neither text nor null`);
    }
    fields.set(field, value);
  }
  return fields;
}

function checkCryptoType(value: unknown): void {
  if (value === null || value === CRYPTO_TYPE_SR25519) return;
  throw new MinerError(
    'WALLET_FORMAT',
    'its cryptoType is not 1 (sr25519); validators verify and expect sr25519 signatures only',
  );
}

function noSecret(fields: ReadonlyMap<string, string>): MinerError {
  const isPublic = PUBLIC_FIELDS.some((field) => fields.has(field));
  return new MinerError(
    'WALLET_FORMAT',
    isPublic
      ? 'it holds public keys only (no secretPhrase, secretSeed or privateKey); the miner needs a secret'
      : 'it has no secretPhrase, secretSeed or privateKey',
  );
}

function checkPublicFields(fields: ReadonlyMap<string, string>, source: string, publicKey: Uint8Array): void {
  const address = encodeAddress(publicKey, SS58_FORMAT);
  const written = fields.get('ss58Address');
  if (written !== undefined && written !== address) {
    throw new MinerError(
      'WALLET_MISMATCH',
      `${source} gives the sr25519 address ${address}, but ss58Address is ${JSON.stringify(written)}` +
        ' (an ed25519 hotkey cannot be used on Bittensor)',
    );
  }
  for (const field of ['publicKey', 'accountId']) {
    const text = fields.get(field);
    if (text !== undefined && !sameBytes(hexBytes(field, text, [32]), publicKey)) {
      throw new MinerError('WALLET_MISMATCH', `${source} and ${field} belong to different keys`);
    }
  }
}

/** Hexadecimal text, `0x` optional, of one of the given lengths in bytes. */
function hexBytes(field: string, text: string, lengths: readonly number[]): Uint8Array {
  const digits = text.startsWith('0x') ? text.slice(2) : text;
  if (!/^[0-9a-f]*$/i.test(digits) || !lengths.includes(digits.length / 2)) {
    throw new MinerError('WALLET_FORMAT', `${field} is not ${lengths.join(' or ')} bytes of hexadecimal`);
  }
  return Buffer.from(digits, 'hex');
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
