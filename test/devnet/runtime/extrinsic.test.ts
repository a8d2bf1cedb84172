import { type GenericExtrinsicEra, TypeRegistry } from '@polkadot/types';
import { describe, expect, it } from 'vitest';
import { eraBounds } from '../../../src/devnet/runtime/extrinsic.ts';

describe('the era of an extrinsic', () => {
  it.each([4, 8, 64, 128, 4096, 65_536])('an era of %i blocks is as in polkadot.js', (period) => {
    const registry = new TypeRegistry();
    const eraOf = (value: unknown) => registry.createTypeUnsafe<GenericExtrinsicEra>('ExtrinsicEra', [value]);
    for (const signedAt of [0, 1, period - 1, period, 7 * period + 3, 123_456]) {
      // Long eras are rounded as they are encoded, so both sides start from the bytes.
      const bytes = eraOf({ current: signedAt, period }).toU8a();
      const { asMortalEra } = eraOf(bytes);
      for (const seenAt of [signedAt, signedAt + 1, signedAt + period - 1]) {
        const theirs = { birth: asMortalEra.birth(seenAt), death: asMortalEra.death(seenAt) };
        expect(eraBounds(bytes, seenAt)).toEqual(theirs);
      }
    }
  });

  it('an immortal era begins at genesis', () => {
    expect(eraBounds(Uint8Array.of(0), 5000)).toEqual({ birth: 0, death: Number.POSITIVE_INFINITY });
  });
});
