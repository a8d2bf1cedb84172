import { sr25519Sign, sr25519Verify } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { pairFromPhrase, pairFromPrivateKey, pairFromSeed } from '../../src/wallet/secret-conversions.ts';
import { ALICE, bytesOf, DEV, hexOf } from './fixtures.ts';

describe('secret conversions', () => {
  it.each([
    ['a seed', pairFromSeed(bytesOf(DEV.secretSeed)), DEV],
    ['a phrase', pairFromPhrase(DEV.secretPhrase), DEV],
    ['a 64-byte private key', pairFromPrivateKey(bytesOf(DEV.privateKey)), DEV],
    ['a 32-byte private key, which is a seed', pairFromPrivateKey(bytesOf(DEV.secretSeed)), DEV],
    ['the seed of //Alice', pairFromSeed(bytesOf(ALICE.secretSeed)), ALICE],
    ['the private key of //Alice', pairFromPrivateKey(bytesOf(ALICE.privateKey)), ALICE],
  ])('turns %s into the known pair', (_, pair, known) => {
    expect(hexOf(pair.publicKey)).toBe(known.publicKey);
    expect(hexOf(pair.secretKey)).toBe(known.expandedKey);
  });

  it('signs with a converted private key, which the unconverted one cannot', () => {
    const message = new TextEncoder().encode('message');
    const { publicKey, secretKey } = pairFromPrivateKey(bytesOf(ALICE.privateKey));
    const unconverted = bytesOf(ALICE.privateKey);

    expect(sr25519Verify(message, sr25519Sign(message, { publicKey, secretKey }), publicKey)).toBe(true);
    expect(
      sr25519Verify(message, sr25519Sign(message, { publicKey, secretKey: unconverted }), publicKey),
    ).toBe(false);
  });

  it('takes a phrase with stray white space', () => {
    const pair = pairFromPhrase(` ${DEV.secretPhrase.replaceAll(' ', '  ')}\n`);
    expect(hexOf(pair.publicKey)).toBe(DEV.publicKey);
  });

  it.each([
    ['an unknown word', DEV.secretPhrase.replace('walk', 'walkk')],
    ['a wrong checksum', DEV.secretPhrase.replace('walk', 'bottom')],
    ['too few words', 'bottom drive obey'],
    ['nothing', ''],
  ])('refuses a phrase with %s without repeating it', (_, phrase) => {
    let refusal: unknown;
    try {
      pairFromPhrase(phrase);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({
      code: 'WALLET_FORMAT',
      message: 'secretPhrase is not a valid phrase of 12 to 24 BIP39 words',
    });
    expect(refusal).not.toHaveProperty('cause');
  });

  it.each([
    ['a scalar of zero', `0x${'00'.repeat(64)}`],
    ['a scalar beyond the group order', `0x${'ff'.repeat(64)}`],
    ['a scalar already multiplied by the cofactor', ALICE.expandedKey],
    ['33 bytes', `0x${'01'.repeat(33)}`],
  ])('refuses a private key of %s', (_, privateKey) => {
    expect(() => pairFromPrivateKey(bytesOf(privateKey))).toThrow(
      expect.objectContaining({ code: 'WALLET_FORMAT' }),
    );
  });
});
