import { inspect } from 'node:util';
import { sr25519Verify } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { developmentWallet, isDevelopmentAddress } from '../../src/wallet/development.ts';
import { pairFromSeed } from '../../src/wallet/secret-conversions.ts';
import { createWallet } from '../../src/wallet/wallet.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { ALICE, bytesOf, DEV } from './fixtures.ts';

describe('a wallet', () => {
  const wallet = createWallet(pairFromSeed(bytesOf(DEV.secretSeed)), '/wallets/miner/hotkeys/default');

  it('signs bytes and text with 64 bytes that verify in the substrate context', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(wallet.sign(bytes)).toHaveLength(64);
    expect(sr25519Verify(bytes, wallet.sign(bytes), wallet.publicKey)).toBe(true);
    expect(sr25519Verify(Buffer.from('grüße'), wallet.sign('grüße'), wallet.publicKey)).toBe(true);
  });

  it('signs text that looks like hexadecimal as text', () => {
    expect(sr25519Verify(Buffer.from('0x0102'), wallet.sign('0x0102'), wallet.publicKey)).toBe(true);
  });

  it('gives a pair for extrinsics with the same address', () => {
    expect(wallet.pair).toMatchObject({ address: wallet.hotkeyAddress, type: 'sr25519', isLocked: false });
  });

  it('shows no secret however it is printed', () => {
    const sink = createCapturingLogger();
    const { logger } = sink;
    logger.info({ wallet }, 'wallet');
    logger.info({ pair: wallet.pair, nested: { all: [wallet] } }, 'parts');
    const shown = [
      sink.text(),
      JSON.stringify(wallet),
      JSON.stringify({ ...wallet }),
      inspect(wallet, {
        showHidden: true,
        depth: Number.POSITIVE_INFINITY,
        getters: true,
        maxArrayLength: null,
      }),
      String(wallet),
    ].join('\n');

    expect(shown).toContain(DEV.ss58Address);
    for (const secret of [DEV.secretSeed, DEV.privateKey, DEV.expandedKey]) {
      // The first four bytes in each form in which a byte array is printed.
      const head = bytesOf(secret).subarray(0, 4);
      for (const form of [
        Buffer.from(head).toString('hex'),
        head.join(','),
        head.join(', '),
        JSON.stringify({ ...head }).slice(1, -1),
        Buffer.from(bytesOf(secret).subarray(0, 30)).toString('base64'),
      ]) {
        expect(shown).not.toContain(form);
      }
    }
  });
});

describe('a development wallet', () => {
  it('is the key of its URI', () => {
    expect(developmentWallet('//Alice')).toMatchObject({
      hotkeyAddress: ALICE.ss58Address,
      origin: '//Alice',
    });
    const bob = developmentWallet('//Bob');
    expect(bob.hotkeyAddress).toBe('5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty');
    expect(sr25519Verify('message', bob.sign('message'), bob.publicKey)).toBe(true);
  });

  it.each(['//Alice', '//Bob', '//Charlie', '//Dave', '//Eve', '//Ferdie'] as const)(
    'of %s is known as one, so that it can be refused on a real network',
    (uri) => {
      expect(isDevelopmentAddress(developmentWallet(uri).hotkeyAddress)).toBe(true);
    },
  );

  it('of the root phrase is also known as one, and other keys are not', () => {
    expect(isDevelopmentAddress(DEV.ss58Address)).toBe(true);
    expect(isDevelopmentAddress(developmentWallet('//Somebody').hotkeyAddress)).toBe(false);
  });
});
