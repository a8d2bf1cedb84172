import { expect, it } from 'vitest';
import { percentile } from '../../../src/inspect/measure/percentile.ts';

it('a percentile is one of the values', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(values, 0.5)).toBe(50);
  expect(percentile(values, 0.95)).toBe(95);
  expect(percentile([3, 1], 0.95)).toBe(3);
  expect(percentile([3], 0)).toBe(3);
});

it('an empty list has no percentile', () => {
  expect(() => percentile([], 0.5)).toThrow(RangeError);
});
