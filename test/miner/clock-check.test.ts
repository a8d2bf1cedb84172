import { describe, expect, it } from 'vitest';
import { createClockSkew } from '../../src/admission/clock-skew.ts';
import { createClockCheck } from '../../src/miner/clock-check.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

interface Seen {
  chain?: number;
  callers?: { offsetMs: number; callers: number };
}

function watch() {
  let seen: Seen = {};
  const { logger, lines } = createCapturingLogger();
  const skew = () => {
    const known = createClockSkew(createManualClock());
    const { offsetMs = 0, callers = 0 } = seen.callers ?? {};
    for (let index = 0; index < callers; index += 1)
      known.learn(`caller ${index}`, 1_000_000, 1_000_000 + offsetMs);
    return known;
  };
  const check = createClockCheck({
    chainOffsetMs: () => seen.chain,
    skew: { typical: () => skew().typical(), agreedOffsetMs: () => skew().agreedOffsetMs() },
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

const three = (offsetMs: number) => ({ offsetMs, callers: 3 });

describe('the clock check', () => {
  it.each<[string, Seen, number | null, string | null]>([
    ['nothing', {}, null, null],
    [
      'blocks from the future',
      { chain: -2_500 },
      -2_500,
      'the clock of this host is 2.5 s slow; set it by NTP',
    ],
    [
      'one caller alone',
      { callers: { offsetMs: 2_500, callers: 1 } },
      2_500,
      'the clock of this host is 2.5 s fast; set it by NTP',
    ],
    ['blocks in time and one caller', { chain: 0, callers: { offsetMs: 2_500, callers: 1 } }, 0, null],
    [
      'blocks in time and three callers',
      { chain: 0, callers: three(2_500) },
      2_500,
      'the clock of this host is 2.5 s fast; set it by NTP',
    ],
    ['three callers who differ by a little', { callers: three(2_000) }, 2_000, null],
  ])('the clock check believes %s', (_what, seen, offsetMs, warning) => {
    const isOff = warning !== null;
    expect(watch().see(seen)).toMatchObject({ offsetMs, isOff, warning });
  });

  it('the clock check does not blame the clock for late blocks alone: the node may be behind', () => {
    for (const seen of [{ chain: 17_000 }, { chain: 17_000, callers: { offsetMs: 0, callers: 2 } }]) {
      expect(watch().see(seen)).toMatchObject({
        isOff: false,
        offsetMs: 17_000,
        warning:
          'blocks arrive 17.0 s late: the node is behind, or the clock of this host is fast (chronyc tracking tells)',
      });
    }
  });

  it('the clock check blames the node for late blocks when callers show that the clock is right', () => {
    expect(watch().see({ chain: 17_000, callers: three(80) })).toMatchObject({
      isOff: false,
      offsetMs: 80,
      warning:
        'the blocks of the node arrive 17.0 s late: the node is behind, the clock of this host is right',
    });
  });

  it('the clock check blames the clock for late blocks when callers show that it is fast', () => {
    expect(watch().see({ chain: 4_000, callers: three(7_000) })).toMatchObject({
      isOff: true,
      warning: 'the clock of this host is 7.0 s fast; set it by NTP',
    });
  });

  it('the clock check says once what is wrong, and once that it is right again', () => {
    const { see, lines } = watch();
    for (const chain of [0, -2_001, -4_000, -3_000, 0, 0, 9_000, 8_000]) see({ chain });
    see({ chain: 8_000, callers: three(50) });
    see({ chain: 0, callers: three(50) });
    expect(lines().map(({ level, msg, chainOffsetMs }) => [level, msg, chainOffsetMs])).toEqual([
      ['warn', 'clock of this host is off; set it by NTP', -2_001],
      ['info', 'clock of this host is right again', 0],
      ['warn', 'blocks arrive late: the node is behind, or the clock of this host is fast', 9_000],
      ['warn', 'node is behind: its blocks arrive late', 8_000],
      ['info', 'blocks arrive in time again', 0],
    ]);
  });
});
