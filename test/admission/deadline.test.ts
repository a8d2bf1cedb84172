import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../src/admission/deadline.ts';
import { MinerError } from '../../src/errors.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

function setUp(waitingForMs: number, timeoutMs?: number) {
  const clock = createManualClock();
  const deadline = createDeadline(clock, waitingForMs, timeoutMs);
  onTestFinished(deadline.dispose);
  return { clock, deadline };
}

describe('a deadline', () => {
  it('a deadline leaves less than the 11 seconds of a validator, and less by the time that it has waited', () => {
    const fresh = setUp(0).deadline.remainingMs();
    expect(fresh).toBeGreaterThan(10_000);
    expect(fresh).toBeLessThan(11_000);
    expect(setUp(3_000).deadline.remainingMs()).toBe(fresh - 3_000);
  });

  it('a deadline ends with a shorter timeout of the caller, and ignores a longer one', () => {
    const usual = setUp(0).deadline.remainingMs();
    expect(setUp(0, 9_000).deadline.remainingMs()).toBe(usual - 2_000);
    expect(setUp(0, 1e12).deadline.remainingMs()).toBe(usual);
  });

  it('a deadline counts down, also below zero', () => {
    const { clock, deadline } = setUp(0);
    const before = deadline.remainingMs();
    clock.advance(20_000);
    expect(deadline.remainingMs()).toBe(before - 20_000);
  });

  it('a deadline that has passed when it is made ends the request', async () => {
    const { signal } = setUp(11_000).deadline;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(signal.reason).toMatchObject({ code: 'ADMISSION_DEADLINE' });
  });

  it('a deadline can be ended early, for the reason given first', () => {
    const { deadline } = setUp(0);
    deadline.cancel(new MinerError('AXON_BODY_ABORTED', 'gone'));
    deadline.cancel(new MinerError('ADMISSION_DEADLINE', 'late'));
    expect(deadline.signal.reason).toMatchObject({ code: 'AXON_BODY_ABORTED' });
  });

  it('a deadline that was disposed of ends no request', async () => {
    const { deadline } = setUp(11_000);
    deadline.dispose();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(deadline.signal.aborted).toBe(false);
  });
});
