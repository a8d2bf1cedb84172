import { type GenericExtrinsicEra, TypeRegistry } from '@polkadot/types';
import { describe, expect, it } from 'vitest';
import { eraBounds } from '../../src/devnet/extrinsic.ts';

describe('the era of an extrinsic', () => {
  it.each([4, 8, 64, 128, 4096, 65_536])('of %i blocks begins and ends where polkadot.js says', (period) => {
    const registry = new TypeRegistry();
    for (const signedAt of [0, 1, period - 1, period, 7 * period + 3, 123_456]) {
      const era = registry.createTypeUnsafe<GenericExtrinsicEra>('ExtrinsicEra', [
        { current: signedAt, period },
      ]);
      for (const seenAt of [signedAt, signedAt + 1, signedAt + period - 1]) {
        const mortal = era.asMortalEra;
        const theirs = { birth: mortal.birth(seenAt), death: mortal.death(seenAt) };
        expect(eraBounds(era.toU8a(), seenAt)).toEqual(theirs);
      }
    }
  });

  it('that never ends begins at genesis', () => {
    expect(eraBounds(Uint8Array.of(0), 5000)).toEqual({ birth: 0, death: Number.POSITIVE_INFINITY });
  });
});
