import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { blockNumberSchema, boundedArray } from '../../../src/chain/link/node-answers.ts';

describe('an array that a node sends', () => {
  const schema = boundedArray(z.number(), 3);

  it('an array in an answer may be as long as the limit', () => {
    expect(schema.parse([1, 2, 3])).toEqual([1, 2, 3]);
    expect(schema.safeParse([1, 2, 3, 4]).success).toBe(false);
    expect(schema.safeParse([1, 'two']).success).toBe(false);
  });

  it('an array that is too long has one fault, and its elements are not checked', () => {
    let looks = 0;
    const counting = z.custom(() => {
      looks += 1;
      return false;
    });
    const { error } = boundedArray(counting, 3).safeParse([1, 2, 3, 4]);
    expect(error?.issues.map(({ message }) => message)).toEqual(['is not an array of at most 3']);
    expect(looks).toBe(0);
  });
});

describe('the number of a block', () => {
  it('the number of a block is a u32 in hexadecimal', () => {
    expect(['0x0', '0xFf', '0xffffffff'].map((text) => blockNumberSchema.parse(text))).toEqual([
      0, 255, 4_294_967_295,
    ]);
    for (const text of ['', '7', '0x', '0x100000000', ' 0x1', '0x1g', '-0x1']) {
      expect([text, blockNumberSchema.safeParse(text).success]).toEqual([text, false]);
    }
  });
});
