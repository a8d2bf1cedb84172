import { createHash } from 'node:crypto';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { requestMessage, secretMessages } from '../../src/epistula/headers.ts';
import { signRequest } from '../../src/epistula/sign.ts';
import { verifySignature } from '../../src/epistula/signature-verifier.ts';
import { developmentWallet } from '../../src/wallet/development.ts';

const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';

beforeAll(async () => {
  await cryptoWaitReady();
});

describe('the signed message', () => {
  it('the signed message joins the hash of the body, the uuid, the time and the receiver by dots', () => {
    const message = requestMessage({ bodySha256Hex: 'ab', uuid: 'u', timestampText: '12', signedFor: BOB });
    expect(message).toBe(`ab.u.12.${BOB}`);
  });

  it('the signed message keeps the last dot if there is no receiver', () => {
    expect(requestMessage({ bodySha256Hex: 'ab', uuid: 'u', timestampText: '1', signedFor: '' })).toBe(
      'ab.u.1.',
    );
  });
});

describe('the secret messages', () => {
  it('the secret messages print their interval as Python prints a float, one millisecond apart', () => {
    expect(secretMessages(1_719_300_001_234, BOB)).toEqual([
      `1719300009999.0.${BOB}`,
      `1719300010000.0.${BOB}`,
      `1719300010001.0.${BOB}`,
    ]);
  });

  it('the secret messages take a time on the boundary as its own interval', () => {
    expect(secretMessages(1_752_969_620_000, BOB)[1]).toBe(`1752969620000.0.${BOB}`);
  });
});

describe('a signature', () => {
  const alice = () => developmentWallet('//Alice');
  const body = Buffer.from('a body');
  const signed = () =>
    signRequest({
      sign: alice().sign,
      hotkey: alice().hotkeyAddress,
      signedFor: BOB,
      body,
      timestampMs: 1_752_969_600_123,
      uuid: '3f0c7b54-6a0d-4c0b-9d6e-0d7f5b2a9e11',
    });

  it('a signature verifies over its own message, by its own signer, and over nothing else', () => {
    const headers = signed();
    const bodySha256Hex = createHash('sha256').update(body).digest('hex');
    const message = requestMessage({
      bodySha256Hex,
      uuid: '3f0c7b54-6a0d-4c0b-9d6e-0d7f5b2a9e11',
      timestampText: '1752969600123',
      signedFor: BOB,
    });
    const signature = headers['Epistula-Request-Signature'] ?? '';
    expect(verifySignature(message, signature, alice().hotkeyAddress)).toBe(true);
    expect(verifySignature(`${message} `, signature, alice().hotkeyAddress)).toBe(false);
    expect(verifySignature(message, signature, BOB)).toBe(false);
  });

  it('a signature comes with the three secret signatures', () => {
    const headers = signed();
    secretMessages(1_752_969_600_123, BOB).forEach((message, index) => {
      const secret = headers[`Epistula-Secret-Signature-${index}`] ?? '';
      expect(verifySignature(message, secret, alice().hotkeyAddress)).toBe(true);
    });
  });

  it('a signature made by the validators of the reference release verifies here', () => {
    const signature =
      '0xee44fe6ec616c2a1510f4b5a58bc3e2a0cc17d4143ff5fdd67a94759ea6bfe53f447d4b2d86219eb55b1ff74210306cad4db37eceda1b5f4a1f004529ce5ae87';
    const message = requestMessage({
      bodySha256Hex: 'dbebb0d85ee2bc051890b0dfc5153e7fea571abb5f49bfde594b93ae9910e19c',
      uuid: '3f0c7b54-6a0d-4c0b-9d6e-0d7f5b2a9e11',
      timestampText: '1752969600123',
      signedFor: BOB,
    });
    const address = alice().hotkeyAddress;
    expect(verifySignature(message, signature, address)).toBe(true);
    expect(verifySignature(message, signature.replace('0xee', '0xef'), address)).toBe(false);
  });

  it.each(['0x', '0x00', `0x${'00'.repeat(64)}`, 'nothing'])(
    'a signature that is malformed (%s) is false, not an error',
    (bad) => {
      expect(verifySignature('m', bad, alice().hotkeyAddress)).toBe(false);
      expect(verifySignature('m', `0x${'11'.repeat(64)}`, 'not an address')).toBe(false);
    },
  );
});
