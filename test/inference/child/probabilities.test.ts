import { describe, expect, it } from 'vitest';
import { averageProbabilities, toProbabilities } from '../../../src/inference/child/probabilities.ts';
import { generator } from './generator.ts';

const THREE = ['real', 'synthetic', 'semisynthetic'] as const;
const TWO = ['real', 'fake'] as const;
const logits3 = { kind: 'logits', classes: THREE, temperature: 1 } as const;

function argmax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

function expectProper(values: readonly number[]): void {
  expect(values).toHaveLength(3);
  for (const value of values) {
    expect(value).toBeGreaterThanOrEqual(0);
    expect(value).toBeLessThanOrEqual(1);
  }
  expect(Math.abs(values.reduce((total, value) => total + value, 0) - 1)).toBeLessThanOrEqual(1e-9);
}

describe('a vector of probabilities', () => {
  it('logits of any size give a proper vector, with the largest number where the largest logit is', () => {
    const random = generator();
    for (let round = 0; round < 5_000; round += 1) {
      const size = 10 ** (random() * 8 - 4);
      const logits = Array.from({ length: 3 }, () => Math.fround((random() - 0.5) * size));
      const values = toProbabilities(logits, logits3);
      expectProper(values);
      expect(argmax(values)).toBe(argmax(logits));
    }
  });

  it('a model of two classes gives no third class', () => {
    const random = generator();
    for (let round = 0; round < 1_000; round += 1) {
      const logits = [random() * 20 - 10, random() * 20 - 10];
      const values = toProbabilities(logits, { kind: 'logits', classes: TWO, temperature: 1 });
      expectProper(values);
      expect(values[2]).toBe(0);
      expect(argmax(values)).toBe(argmax(logits));
    }
  });

  it('large logits do not overflow', () => {
    expect(toProbabilities([3e38, -3e38, 0], logits3)).toEqual([1, 0, 0]);
    expect(toProbabilities([-3e38], { kind: 'sigmoid', classes: ['fake'], temperature: 1 })).toEqual([
      1, 0, 0,
    ]);
    expect(toProbabilities([3e38], { kind: 'sigmoid', classes: ['fake'], temperature: 1 })).toEqual([
      0, 1, 0,
    ]);
  });

  it('one number is the probability of the class that it is for', () => {
    expect(toProbabilities([0.25], { kind: 'probabilities', classes: ['real'], temperature: 1 })).toEqual([
      0.25, 0.75, 0,
    ]);
    expect(toProbabilities([0.25], { kind: 'probabilities', classes: ['fake'], temperature: 1 })).toEqual([
      0.75, 0.25, 0,
    ]);
  });

  it('the vector follows the order of classes in the model', () => {
    const classes = ['synthetic', 'semisynthetic', 'real'] as const;
    expect(toProbabilities([0.5, 0.25, 0.25], { kind: 'probabilities', classes, temperature: 1 })).toEqual([
      0.25, 0.5, 0.25,
    ]);
    expect(
      toProbabilities([0.75, 0.25], { kind: 'probabilities', classes: ['fake', 'real'], temperature: 1 }),
    ).toEqual([0.25, 0.75, 0]);
  });

  it('a vector with a rounding error is brought to a sum of 1', () => {
    expectProper(
      toProbabilities([0.3335, 0.3335, 0.3335], { kind: 'probabilities', classes: THREE, temperature: 1 }),
    );
    expectProper(
      toProbabilities([1.0001, -0.0001, 0], { kind: 'probabilities', classes: THREE, temperature: 1 }),
    );
  });

  it('logits are divided by the temperature', () => {
    const hot = toProbabilities([3, -1, 2], { ...logits3, temperature: 2 });
    expect(hot).toEqual(toProbabilities([1.5, -0.5, 1], logits3));
    const cold = toProbabilities([0.3], { kind: 'sigmoid', classes: ['fake'], temperature: 0.1 });
    expect(cold[1]).toBeCloseTo(1 / (1 + Math.exp(-3)), 12);
    expectProper(toProbabilities([3e38, -3e38, 0], { ...logits3, temperature: 0.01 }));
  });

  it('a number that is not finite or no probability is refused', () => {
    const refused = [
      () => toProbabilities([Number.NaN, 0, 0], logits3),
      () => toProbabilities([Number.POSITIVE_INFINITY, 0, 0], logits3),
      () => toProbabilities([0, 0], logits3),
      () => toProbabilities([2, -1, 0], { kind: 'probabilities', classes: THREE, temperature: 1 }),
      () => toProbabilities([0, 0, 0], { kind: 'probabilities', classes: THREE, temperature: 1 }),
    ];
    for (const attempt of refused) {
      expect(attempt).toThrow(expect.objectContaining({ code: 'INFERENCE_FAILED' }));
    }
  });

  it('the vector of a clip is the mean of its frames', () => {
    const mean = averageProbabilities([
      [1, 0, 0],
      [0, 0.5, 0.5],
    ]);
    expect(mean).toEqual([0.5, 0.25, 0.25]);
    const random = generator();
    const many = Array.from({ length: 144 }, () => toProbabilities([random(), random(), random()], logits3));
    expectProper(averageProbabilities(many));
  });
});
