import { describe, expect, it } from 'vitest';
import { createClockSkew } from '../../src/admission/clock-skew.ts';

describe('the clock skew of callers', () => {
  it('is nothing for a caller that was not met', () => {
    const skew = createClockSkew();
    expect(skew.waitingForMs('a', 1_000, 5_000)).toBe(0);
    expect(skew.of('a')).toBeUndefined();
  });

  it('is what the quickest request shows, so that slower ones show their connect time', () => {
    const skew = createClockSkew();
    skew.learn('a', 10_000, 12_300);
    skew.learn('a', 20_000, 22_050);
    expect(skew.of('a')).toBe(2_050);
    expect(skew.waitingForMs('a', 30_000, 33_050)).toBe(1_000);
    expect(skew.waitingForMs('b', 30_000, 33_050)).toBe(0);
  });

  it('works for a clock that is ahead of ours', () => {
    const skew = createClockSkew();
    skew.learn('a', 10_000, 5_000);
    expect(skew.waitingForMs('a', 20_000, 15_700)).toBe(700);
  });

  it('never says less than nothing or more than a request can be old', () => {
    const skew = createClockSkew();
    skew.learn('a', 10_000, 10_100);
    expect(skew.waitingForMs('a', 20_000, 20_000)).toBe(0);
    expect(skew.waitingForMs('a', 20_000, 90_000)).toBe(8_000);
  });

  it('follows a clock that was set right', () => {
    const skew = createClockSkew();
    skew.learn('a', 10_000, 10_000);
    for (let index = 0; index < 32; index++) skew.learn('a', 0, 3_000);
    expect(skew.of('a')).toBe(3_000);
  });

  it('tells the middle offset of the callers, whatever a few wrong clocks say', () => {
    const skew = createClockSkew();
    expect(skew.typical()).toBeUndefined();
    for (const [caller, offsetMs] of [
      ['a', 120],
      ['b', 90],
      ['c', 60_000],
      ['d', 150],
      ['e', -500],
    ] as const) {
      skew.learn(caller, 1_000_000, 1_000_000 + offsetMs);
    }
    expect(skew.typical()).toEqual({ offsetMs: 120, callers: 5 });
  });

  it('is agreed on once three callers were met', () => {
    const skew = createClockSkew();
    for (const [caller, agreedMs] of [
      ['a', undefined],
      ['b', undefined],
      ['b', undefined],
      ['c', 5_000],
    ] as const) {
      skew.learn(caller, 1_000_000, 1_005_000);
      expect(skew.agreedOffsetMs()).toBe(agreedMs);
    }
  });
});
