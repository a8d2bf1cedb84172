import { describe, expect, it } from 'vitest';
import { MinerError } from '../../src/errors.ts';
import { keyfileEncoding, pairFromKeyfile } from '../../src/wallet/keyfile.ts';
import { ALICE, DEV, FULL_KEYFILE, hexOf } from './fixtures.ts';

function open(content: unknown): string {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return hexOf(pairFromKeyfile(Buffer.from(text)).publicKey);
}

function refusal(content: unknown): MinerError {
  try {
    open(content);
  } catch (error) {
    if (error instanceof MinerError) return error;
    throw error;
  }
  throw new Error('the key file was accepted');
}

const without0x = (hex: string) => hex.slice(2);

describe('a plain key file', () => {
  it.each([
    ['all fields', FULL_KEYFILE],
    ['its fields in another order', Object.fromEntries(Object.entries(FULL_KEYFILE).reverse())],
    ['a seed and an address', { secretSeed: DEV.secretSeed, ss58Address: DEV.ss58Address }],
    ['a private key and an address', { privateKey: DEV.privateKey, ss58Address: DEV.ss58Address }],
    ['a phrase only', { secretPhrase: DEV.secretPhrase }],
    ['null for what is absent', { ...FULL_KEYFILE, secretPhrase: null, secretSeed: null }],
    [
      'hexadecimal without 0x',
      {
        accountId: without0x(DEV.publicKey),
        privateKey: without0x(DEV.privateKey),
        secretSeed: without0x(DEV.secretSeed),
      },
    ],
    ['hexadecimal in capitals', { secretSeed: `0x${without0x(DEV.secretSeed).toUpperCase()}` }],
    ['a 32-byte private key', { privateKey: DEV.secretSeed, publicKey: DEV.publicKey }],
    ['the cryptoType that btwallet 4.1 writes', { ...FULL_KEYFILE, cryptoType: 1 }],
    ['fields of a later version', { ...FULL_KEYFILE, note: 'hello', list: [], number: 7 }],
  ])('opens with %s', (_, content) => {
    expect(open(content)).toBe(DEV.publicKey);
  });

  it.each([
    ['secretPhrase and secretSeed', { secretPhrase: DEV.secretPhrase, secretSeed: ALICE.secretSeed }],
    ['secretSeed and privateKey', { secretSeed: DEV.secretSeed, privateKey: ALICE.privateKey }],
    ['secretPhrase and privateKey', { ...FULL_KEYFILE, privateKey: ALICE.privateKey }],
    ['secretSeed and publicKey', { secretSeed: DEV.secretSeed, publicKey: ALICE.publicKey }],
    [
      'privateKey and accountId',
      { privateKey: DEV.privateKey, publicKey: DEV.publicKey, accountId: ALICE.publicKey },
    ],
  ])('is refused when %s belong to different keys', (fields, content) => {
    expect(refusal(content)).toMatchObject({
      code: 'WALLET_MISMATCH',
      message: `${fields} belong to different keys`,
    });
  });

  it('is refused when the address is not that of the secret, and both addresses are named', () => {
    const { code, message } = refusal({ ...FULL_KEYFILE, ss58Address: ALICE.ss58Address });
    expect(code).toBe('WALLET_MISMATCH');
    expect(message).toContain(DEV.ss58Address);
    expect(message).toContain(ALICE.ss58Address);
  });

  it.each([
    [
      'is a public file',
      { ...FULL_KEYFILE, privateKey: null, secretPhrase: null, secretSeed: null },
      /public keys only/,
    ],
    ['is a bare public key', `${DEV.publicKey}\n`, /public key only/],
    ['has no known field', {}, /has no secretPhrase, secretSeed or privateKey/],
    [
      'has a number where text belongs',
      { ...FULL_KEYFILE, secretSeed: 1 },
      /"secretSeed" is neither text nor null/,
    ],
    ['holds an ed25519 key', { ...FULL_KEYFILE, cryptoType: 0 }, /cryptoType is not 1 \(sr25519\)/],
    ['is a list', [FULL_KEYFILE], /not an object/],
    ['is text', DEV.secretPhrase, /neither JSON nor an encrypted/],
    ['is empty', '', /neither JSON nor an encrypted/],
    ['has a seed of 31 bytes', { secretSeed: DEV.secretSeed.slice(0, -2) }, /secretSeed is not 32 bytes/],
    ['has half a byte too much', { secretSeed: `${DEV.secretSeed}0` }, /secretSeed is not 32 bytes/],
    [
      'has a seed with a stray letter',
      { secretSeed: DEV.secretSeed.replace(/e$/, 'g') },
      /secretSeed is not 32 bytes/,
    ],
    ['has an empty private key', { privateKey: '' }, /privateKey is not 64 or 32 bytes/],
    ['has a malformed public key', { ...FULL_KEYFILE, publicKey: '0x12' }, /publicKey is not 32 bytes/],
  ])('is refused when it %s', (_, content, message) => {
    expect(refusal(content)).toMatchObject({
      code: 'WALLET_FORMAT',
      message: expect.stringMatching(message),
    });
  });

  it('is refused without showing its content', () => {
    const broken = JSON.stringify(FULL_KEYFILE).slice(0, -1);
    const { message, cause } = refusal(broken);
    expect(cause).toBeUndefined();
    expect(message).not.toMatch(/bottom|fac7|05d6/);
  });

  it('is refused when it is not UTF-8', () => {
    expect(() => pairFromKeyfile(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(
      expect.objectContaining({ code: 'WALLET_FORMAT' }),
    );
  });
});

describe('the encoding of a key file', () => {
  it.each([
    ['$NACL\0\u0001', 'nacl'],
    ['$ANSIBLE_VAULT;1.1;AES256\n', 'ansible-vault'],
    ['gAAAAABk', 'fernet'],
    ['{"secretSeed"', 'plain'],
    ['', 'plain'],
  ])('of %j is %s', (head, encoding) => {
    expect(keyfileEncoding(Buffer.from(head))).toBe(encoding);
  });
});
