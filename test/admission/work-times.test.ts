import { describe, expect, it } from 'vitest';
import { createWorkTimes } from '../../src/admission/scheduler.ts';

function setUp() {
  const times = createWorkTimes();
  const note = (caller: string, tookMs: number, count = 1) => {
    for (let job = 0; job < count; job++) times.note('video', caller, tookMs);
  };
  return { times, note };
}

describe('the time that work may take while others wait', () => {
  it('the time that work may take while others wait is four seconds, or four times what the work of other callers takes', () => {
    const { times, note } = setUp();
    expect(times.allowanceMs('video', 'a')).toBe(4_000);
    note('b', 400);
    expect(times.allowanceMs('video', 'a')).toBe(4_000);
    note('b', 1_500, 2);
    expect(times.allowanceMs('video', 'a')).toBe(6_000);
    expect(times.allowanceMs('image', 'a')).toBe(4_000);
  });

  it('the time that work may take while others wait is not raised by a caller for itself', () => {
    const { times, note } = setUp();
    note('greedy', 9_000, 10);
    expect(times.allowanceMs('video', 'greedy')).toBe(4_000);
  });

  it('the time that work may take while others wait depends on the latest 64 jobs', () => {
    const { times, note } = setUp();
    note('b', 9_000, 64);
    note('b', 100, 64);
    expect(times.allowanceMs('video', 'a')).toBe(4_000);
  });
});
