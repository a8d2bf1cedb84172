import { describe, expect, it } from 'vitest';
import { createClockCheck } from '../../src/miner/clock-check.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';

interface Seen {
  chain?: number;
  callers?: { offsetMs: number; callers: number };
}

function watch() {
  let seen: Seen = {};
  const { logger, lines } = createCapturingLogger();
  const check = createClockCheck({
    chainOffsetMs: () => seen.chain,
    callers: () => seen.callers,
    logger,
  });
  return {
    see(next: Seen) {
      seen = next;
      check.check();
      return check.status();
    },
    lines,
  };
}

describe('the clock check', () => {
  it.each<[string, Seen, number | null, boolean]>([
    ['nothing', {}, null, false],
    ['the chain alone', { chain: -2_500 }, -2_500, true],
    ['one caller alone', { callers: { offsetMs: 2_500, callers: 1 } }, 2_500, true],
    ['one caller and the chain', { chain: 0, callers: { offsetMs: 2_500, callers: 1 } }, 0, false],
    ['three callers and the chain', { chain: 0, callers: { offsetMs: 2_500, callers: 3 } }, 2_500, true],
    ['a little', { callers: { offsetMs: 2_000, callers: 3 } }, 2_000, false],
  ])('believes %s', (_what, seen, offsetMs, isOff) => {
    expect(watch().see(seen)).toMatchObject({ offsetMs, isOff });
  });

  it('says once that the clock is off, and once that it is right again', () => {
    const { see, lines } = watch();
    for (const chain of [0, 2_001, 4_000, 3_000, 0, 0, -9_000]) see({ chain });
    expect(lines().map(({ level, msg, offsetMs }) => [level, msg, offsetMs])).toEqual([
      ['warn', 'clock of this host is off; set it by NTP', 2_001],
      ['info', 'clock of this host is right again', 0],
      ['warn', 'clock of this host is off; set it by NTP', -9_000],
    ]);
  });
});
