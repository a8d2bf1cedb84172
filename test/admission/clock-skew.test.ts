import { describe, expect, it } from 'vitest';
import { createClockSkew } from '../../src/admission/clock-skew.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

describe('the clock skew of callers', () => {
  it('the clock skew of an unknown caller is nothing', () => {
    const skew = createClockSkew(createManualClock());
    expect(skew.waitingForMs('a', 1_000, 5_000)).toBe(0);
    expect(skew.typical()).toBeUndefined();
  });

  it('the clock skew of a caller is that of its quickest request, so that slower ones show their connect time', () => {
    const skew = createClockSkew(createManualClock());
    skew.learn('a', 10_000, 12_300);
    skew.learn('a', 20_000, 22_050);
    expect(skew.typical()?.offsetMs).toBe(2_050);
    expect(skew.waitingForMs('a', 30_000, 33_050)).toBe(1_000);
    expect(skew.waitingForMs('b', 30_000, 33_050)).toBe(0);
  });

  it('the clock skew of a caller can be that of a clock ahead of ours', () => {
    const skew = createClockSkew(createManualClock());
    skew.learn('a', 10_000, 5_000);
    expect(skew.waitingForMs('a', 20_000, 15_700)).toBe(700);
  });

  it('the time that a caller waited is never negative, nor longer than a validator connects', () => {
    const skew = createClockSkew(createManualClock());
    skew.learn('a', 10_000, 10_100);
    expect(skew.waitingForMs('a', 20_000, 20_000)).toBe(0);
    expect(skew.waitingForMs('a', 20_000, 24_100)).toBe(4_000);
    expect(skew.waitingForMs('a', 20_000, 24_101)).toBe(0);
  });

  it('one request dated eight seconds ahead costs its caller no time later', () => {
    const skew = createClockSkew(createManualClock());
    skew.learn('a', 18_000, 10_050);
    for (let request = 0; request < 32; request++) {
      expect(skew.waitingForMs('a', 20_000, 20_050)).toBe(0);
      skew.learn('a', 20_000, 20_050);
    }
    expect(skew.typical()?.offsetMs).toBe(50);
  });

  it('one request dated a little ahead changes nothing among four', () => {
    const skew = createClockSkew(createManualClock());
    for (const aheadMs of [0, 0, 3_000, 0]) skew.learn('a', 10_000 + aheadMs, 10_050);
    expect(skew.waitingForMs('a', 20_000, 20_050)).toBe(0);
  });

  it('the clock skew of a caller is learnt again after its clock was set', () => {
    const skew = createClockSkew(createManualClock());
    for (let request = 0; request < 32; request++) skew.learn('a', 10_000, 10_000);
    skew.learn('a', 10_000, 17_000);
    expect(skew.typical()?.offsetMs).toBe(7_000);
  });

  it('of more than 1,024 callers, the clock skew of the one that was silent the longest is forgotten', () => {
    const skew = createClockSkew(createManualClock());
    for (let caller = 0; caller < 1_024; caller++) skew.learn(`caller ${caller}`, 10_000, 10_050);
    skew.learn('caller 0', 10_000, 10_050);
    skew.learn('newcomer', 10_000, 10_050);
    expect(skew.typical()?.callers).toBe(1_024);
    const waited = (caller: string) => skew.waitingForMs(caller, 20_000, 21_050);
    expect([waited('caller 0'), waited('caller 1')]).toEqual([1_000, 0]);
  });

  it('the clock skew of a caller is learnt from its latest 32 requests', () => {
    const skew = createClockSkew(createManualClock());
    for (const offsetMs of [0, 0]) skew.learn('a', 10_000, 10_000 + offsetMs);
    for (let request = 0; request < 32; request++) skew.learn('a', 10_000, 12_000);
    expect(skew.typical()?.offsetMs).toBe(2_000);
  });

  it('the clock skew of a caller is forgotten after ten minutes', () => {
    const clock = createManualClock();
    const skew = createClockSkew(clock);
    skew.learn('a', 12_000, 10_000);
    clock.advance(600_001);
    expect(skew.typical()).toBeUndefined();
    expect(skew.waitingForMs('a', 20_000, 20_000)).toBe(0);
  });

  it('a step of our own clock does not count as a slow connection', () => {
    const clock = createManualClock();
    const skew = createClockSkew(clock);
    skew.learn('a', 10_000, 10_050);
    clock.setWall(3_000);
    expect(skew.typical()?.offsetMs).toBe(3_050);
    expect(skew.waitingForMs('a', 20_000, 23_050)).toBe(0);
  });

  it('the typical offset is the median of the callers, so that a few wrong clocks do not count', () => {
    const skew = createClockSkew(createManualClock());
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

  it('the offset of our clock is agreed on by three callers', () => {
    const skew = createClockSkew(createManualClock());
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
