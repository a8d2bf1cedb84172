import { describe, expect, it } from 'vitest';
import { createFrameAllowance } from '../../../src/chain/link/frame-allowance.ts';

describe('what a node may send', () => {
  it('a node may send 3,000 frames in ten seconds, and again in the next ten', () => {
    let nowMs = 0;
    const allowance = createFrameAllowance(() => nowMs);
    const frames = (count: number) => Array.from({ length: count }, () => allowance.take(1));
    expect(new Set(frames(3_000))).toEqual(new Set([true]));
    nowMs = 9_999;
    expect(allowance.take(1)).toBe(false);
    nowMs = 10_000;
    expect(new Set(frames(3_000))).toEqual(new Set([true]));
    expect(allowance.take(1)).toBe(false);
  });

  it('a node may send 24 MiB in ten seconds, in frames of any size', () => {
    let nowMs = 0;
    const allowance = createFrameAllowance(() => nowMs);
    const mib = 1024 * 1024;
    expect([4, 16, 4].map((size) => allowance.take(size * mib))).toEqual([true, true, true]);
    expect(allowance.take(1)).toBe(false);
    nowMs = 10_000;
    expect(allowance.take(24 * mib)).toBe(true);
  });
});
