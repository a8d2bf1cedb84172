import { describe, expect, it } from 'vitest';
import { createRequestRate } from '../../src/admission/request-rate.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

function setUp() {
  const clock = createManualClock();
  const rate = createRequestRate(clock);
  const takeAll = (address: string) => {
    let taken = 0;
    while (taken < 100_000 && rate.take(address)) taken++;
    return taken;
  };
  return { clock, rate, takeAll };
}

describe('the rate of unsigned requests', () => {
  it('the rate of unsigned requests lets an address ask 400 times at once, and then 20 times a second', () => {
    const { clock, takeAll } = setUp();
    expect(takeAll('a')).toBe(400);
    clock.advance(1_000);
    expect(takeAll('a')).toBe(20);
    clock.advance(3_600_000);
    expect(takeAll('a')).toBe(400);
  });

  it('each address has its own rate of unsigned requests', () => {
    const { rate, takeAll } = setUp();
    takeAll('a');
    expect(rate.take('b')).toBe(true);
  });

  it('the rate of unsigned requests always admits one request a second', () => {
    const { clock, rate } = setUp();
    for (let second = 0; second < 10_000; second++) {
      expect(rate.take('monitor')).toBe(true);
      clock.advance(1_000);
    }
  });

  it('the rate of unsigned requests remembers at most 4,096 addresses, and none with full credit', () => {
    const { clock, rate } = setUp();
    for (let index = 0; index < 5_000; index++) rate.take(`address ${index}`);
    expect(rate.size).toBe(4_096);
    clock.advance(60_000);
    rate.take('another');
    expect(rate.size).toBe(1);
  });
});
