import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/inference/child/decision.ts';
import type { ClassProbabilities } from '../../../src/inference/contract/contract.ts';
import { generator } from './generator.ts';

/** As a validator reads it: the first of equals. */
const isFake = (values: readonly number[]) => values.indexOf(Math.max(...values)) > 0;
const distance = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / 2;

/** Vectors of sum 1: anywhere, close to ties of two or three, and in steps that tie exactly. */
function* vectors(): Generator<ClassProbabilities> {
  const random = generator();
  for (let round = 0; round < 6_000; round += 1) {
    const spread = 10 ** -(round % 12);
    const around = ([1 / 3, 0.5, 0.4][round % 3] ?? 0) * (1 - spread);
    const real = around + spread * random();
    const synthetic = (1 - real) * (round % 5 === 0 ? 0.5 : random());
    yield [real, synthetic, 1 - real - synthetic];
  }
  for (let real = 0; real <= 20; real += 1) {
    for (let synthetic = 0; synthetic <= 20 - real; synthetic += 1) {
      yield [real / 20, synthetic / 20, (20 - real - synthetic) / 20];
    }
  }
}

describe('binary-first', () => {
  it('binary-first answers fake if both fake classes together are likelier than real, and moves half of the difference', () => {
    expect(decide([0.4, 0.3, 0.3], 'binary-first')).toEqual([
      expect.closeTo(0.3499995, 12),
      expect.closeTo(0.3500005, 12),
      0.3,
    ]);
    expect(decide([0.45, 0.2, 0.35], 'binary-first')).toEqual([
      expect.closeTo(0.3999995, 12),
      0.2,
      expect.closeTo(0.4000005, 12),
    ]);
  });

  it('binary-first breaks an exact tie between real and a fake class by P(fake)', () => {
    const answer = decide([0.45, 0.45, 0.1], 'binary-first');
    expect(isFake([0.45, 0.45, 0.1])).toBe(false);
    expect(isFake(answer)).toBe(true);
  });

  it('binary-first answers real at P(fake) = 0.5, as the validator reads it', () => {
    for (const values of [
      [0.5, 0.5, 0],
      [0.5, 0.25, 0.25],
      [0.5, 0, 0.5],
    ] as const) {
      expect(decide(values, 'binary-first')).toBe(values);
      expect(isFake(values)).toBe(false);
    }
  });

  it('binary-first gives a proper vector whose highest number agrees with P(fake), and changes it as little as possible', () => {
    let moved = 0;
    for (const values of vectors()) {
      const [real, synthetic, semisynthetic] = values;
      const fake = synthetic + semisynthetic > real;
      const answer = decide(values, 'binary-first');
      expect(isFake(answer)).toBe(fake);
      expect(answer.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(Math.abs(answer[0] + answer[1] + answer[2] - 1)).toBeLessThanOrEqual(1e-12);
      if (isFake(values) === fake) {
        expect(answer).toBe(values);
        continue;
      }
      moved += 1;
      // Any vector that says fake lies at least this far from one that has real on top.
      const least = (real - Math.max(synthetic, semisynthetic)) / 2;
      expect(distance(values, answer)).toBeLessThanOrEqual(least + 1e-6);
      // The same class is on top of the two, and it still is for a reader of single precision.
      expect(answer[1] >= answer[2]).toBe(synthetic >= semisynthetic);
      expect(isFake([...Float32Array.from(answer)])).toBe(true);
      expect(isFake(JSON.parse(JSON.stringify(answer)))).toBe(true);
    }
    expect(moved).toBeGreaterThan(500);
  });

  it('argmax leaves the vector as it is', () => {
    const values = [0.4, 0.3, 0.3] as const;
    expect(decide(values, 'argmax')).toBe(values);
  });
});
