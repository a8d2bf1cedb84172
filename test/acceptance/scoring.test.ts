import { describe, expect, it } from 'vitest';
import { argmax, binaryMatthews, intersectionOverUnion, matthews } from './scoring.ts';

describe('the judgement of classes', () => {
  it('the judged class is the largest probability, and the first of equals', () => {
    expect(argmax([0.2, 0.5, 0.3])).toBe(1);
    expect(argmax([0.4, 0.3, 0.3])).toBe(0);
    expect(argmax([0.5, 0.5, 0])).toBe(0);
  });

  it('the score is 1 if all are right, -1 if all are swapped, and 0 for one class only', () => {
    expect(matthews([0, 1, 2, 0], [0, 1, 2, 0])).toBeCloseTo(1, 12);
    expect(matthews([0, 1, 0, 1], [1, 0, 1, 0])).toBeCloseTo(-1, 12);
    expect(matthews([0, 1, 2], [0, 0, 0])).toBe(0);
    expect(matthews([0, 0, 0], [0, 1, 2])).toBe(0);
  });

  it('the score agrees with a confusion matrix by hand', () => {
    // 3 real, 2 synthetic, 1 semisynthetic; one synthetic is called semisynthetic, one real synthetic.
    const [truth, answers] = [
      [0, 0, 0, 1, 1, 2],
      [0, 0, 1, 1, 2, 2],
    ];
    // c s - sum p t = 4 * 6 - (2 * 3 + 2 * 2 + 2 * 1); s² - sum p² = 36 - 12; s² - sum t² = 36 - 14.
    expect(matthews(truth, answers)).toBeCloseTo(12 / Math.sqrt(24 * 22), 12);
    // Of 3 fakes and 3 reals one real is called fake: (3 * 2 - 0 * 1) / sqrt(4 * 3 * 3 * 2).
    expect(binaryMatthews(truth, answers)).toBeCloseTo(6 / Math.sqrt(72), 12);
  });
});

describe('the judgement of masks', () => {
  it('a mask counts values above one half only', () => {
    const truth = Uint8Array.of(255, 255, 0, 0);
    expect(intersectionOverUnion(truth, Float32Array.of(1, 0.51, 0, 0.2))).toBe(1);
    expect(intersectionOverUnion(truth, Float32Array.of(1, 0.5, 0, 0))).toBe(0.5);
    expect(intersectionOverUnion(truth, Float32Array.of(1, 0, 1, 0))).toBeCloseTo(1 / 3, 12);
  });

  it('a mask of another size is refused', () => {
    expect(() => intersectionOverUnion(new Uint8Array(4), new Float32Array(3))).toThrow('3 pixels');
  });
});
