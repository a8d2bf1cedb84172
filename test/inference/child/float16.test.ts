import { describe, expect, it } from 'vitest';
import { decodeFloat16, encodeFloat16 } from '../../../src/inference/child/float16.ts';

describe('half-precision numbers', () => {
  it('half-precision numbers have the bits of IEEE 754', () => {
    const known = [
      [0, 0x0000],
      [-0, 0x8000],
      [1, 0x3c00],
      [-2, 0xc000],
      [0.5, 0x3800],
      [65_504, 0x7bff],
      [65_519.9, 0x7bff],
      [65_520, 0x7c00],
      [Number.POSITIVE_INFINITY, 0x7c00],
      [Number.NEGATIVE_INFINITY, 0xfc00],
      [2 ** -14, 0x0400],
      [2 ** -24, 0x0001],
      [2 ** -25, 0x0000],
      [1 / 3, 0x3555],
    ] as const;
    for (const [value, bits] of known) expect([value, encodeFloat16(value)]).toEqual([value, bits]);
    expect(encodeFloat16(Number.NaN)).toBe(0x7e00);
  });

  it('numbers are rounded to the nearest half-precision number, ties to even', () => {
    expect(encodeFloat16(1 + 2 ** -11)).toBe(0x3c00);
    expect(encodeFloat16(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(encodeFloat16(1 + 2 ** -11 + 2 ** -20)).toBe(0x3c01);
    expect(encodeFloat16(2 - 2 ** -12)).toBe(0x4000);
    expect(encodeFloat16(2 ** -14 - 2 ** -26)).toBe(0x0400);
  });

  it('every half-precision number survives decoding and encoding', () => {
    for (let bits = 0; bits < 0x10000; bits += 1) {
      const value = decodeFloat16(bits);
      if (!Number.isNaN(value)) expect(encodeFloat16(value)).toBe(bits);
    }
    expect(decodeFloat16(0x7e00)).toBeNaN();
    expect(decodeFloat16(0xfc00)).toBe(Number.NEGATIVE_INFINITY);
  });
});
