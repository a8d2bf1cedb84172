import { describe, expect, it } from 'vitest';
import { encodeMask } from '../../src/inference/mask.ts';

const plain = { activation: 'none', threshold: 0.5 } as const;

function bits(mask: Buffer): number[] {
  return Array.from({ length: mask.length / 2 }, (_, index) => mask.readUInt16LE(index * 2));
}

describe('a mask', () => {
  it('is zeros and ones in little-endian float16, row by row', () => {
    const mask = encodeMask(
      [0.9, 0.1, 0.2, 0.8, 0.7, 0.3],
      { height: 2, width: 3 },
      { height: 2, width: 3 },
      plain,
    );
    expect(mask.toString('hex')).toBe('003c00000000003c003c0000');
  });

  it('is set strictly above the threshold', () => {
    const size = { height: 1, width: 3 };
    expect(bits(encodeMask([0.5, 0.5001, 0.4999], size, size, plain))).toEqual([0, 0x3c00, 0]);
    expect(bits(encodeMask([0.5, 0.8, 0.9], size, size, { ...plain, threshold: 0.8 }))).toEqual([
      0, 0, 0x3c00,
    ]);
  });

  it('is interpolated between the centres of pixels before it is cut', () => {
    // From 0 at x = 0.5 to 1 at x = 1.5 of two columns: of eight columns, half are above one half.
    const mask = encodeMask([0, 1], { height: 1, width: 2 }, { height: 1, width: 8 }, plain);
    expect(bits(mask).map(Boolean)).toEqual([false, false, false, false, true, true, true, true]);
    // At a threshold of 0.8 one more is below: columns lie at 0, 0, 1/8, 3/8, 5/8, 7/8, 1, 1 of the way.
    const strict = encodeMask(
      [0, 1],
      { height: 1, width: 2 },
      { height: 1, width: 8 },
      { ...plain, threshold: 0.8 },
    );
    expect(bits(strict).map(Boolean)).toEqual([false, false, false, false, false, true, true, true]);
  });

  it('keeps rows and columns apart in pictures that are not square', () => {
    const mask = encodeMask([1, 1, 0, 0], { height: 2, width: 2 }, { height: 3, width: 5 }, plain);
    expect(bits(mask).map(Boolean)).toEqual([
      ...Array(5).fill(true),
      ...Array(5).fill(false),
      ...Array(5).fill(false),
    ]);
  });

  it('can be smaller than what the model gave', () => {
    const size = { height: 1, width: 2 };
    expect(bits(encodeMask([1, 1, 1, 0, 0, 0], { height: 1, width: 6 }, size, plain))).toEqual([0x3c00, 0]);
    expect(encodeMask([1, 1, 1, 1], { height: 2, width: 2 }, { height: 1, width: 1 }, plain)).toHaveLength(2);
  });

  it('of logits is their sigmoid', () => {
    const size = { height: 1, width: 4 };
    const mask = encodeMask([-100, -0.1, 0.1, 100], size, size, { ...plain, activation: 'sigmoid' });
    expect(bits(mask)).toEqual([0, 0, 0x3c00, 0x3c00]);
  });

  it('is refused when it holds what is no confidence', () => {
    const size = { height: 1, width: 1 };
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -3, 17]) {
      expect(() => encodeMask([value], size, size, plain)).toThrow(
        expect.objectContaining({ code: 'INFERENCE_FAILED' }),
      );
    }
    expect(() => encodeMask([1, 1], size, size, plain)).toThrow(
      expect.objectContaining({ code: 'INFERENCE_FAILED' }),
    );
  });
});
