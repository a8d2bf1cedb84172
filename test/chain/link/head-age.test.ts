import { u8aConcat, u8aToHex } from '@polkadot/util';
import { xxhashAsU8a } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { BLOCK_TIME_KEY, createHeadJudge, decodeBlockTime } from '../../../src/chain/link/head-age.ts';

const NOW_MS = Date.UTC(2026, 10, 25, 6, 0, 0, 123);
const LIMIT_MS = 60_000;
const HOUR_MS = 3_600_000;

function judge(ageMs: number, callersClockOffsetMs?: number) {
  return createHeadJudge({
    limitMs: LIMIT_MS,
    clock: { now: () => NOW_MS },
    callersClockOffsetMs: () => callersClockOffsetMs,
  })(NOW_MS - ageMs);
}

describe('the judge of heads', () => {
  it.each<[string, number, number | undefined, boolean]>([
    ['a new head', 0, undefined, true],
    ['a head as old as the limit', LIMIT_MS, undefined, true],
    ['a head older than the limit', LIMIT_MS + 1, undefined, false],
    ['a head from the future', -HOUR_MS, undefined, true],
    ['an old head, if callers show that our clock is so much ahead', 66_000, 6_000, true],
    ['an old head, if callers show that our clock is ahead by less', 66_001, 6_000, false],
    ['an old head, if callers agree with our clock', 66_000, 0, false],
    ['a good head, if callers showed that our clock was behind', 30_000, -50_000, true],
  ])('on %s', (_what, ageMs, callersClockOffsetMs, isBelieved) => {
    const fault = judge(ageMs, callersClockOffsetMs);
    expect(fault?.code).toBe(isBelieved ? undefined : 'CHAIN_NODE_BEHIND');
  });

  it('the refusal of an old head has its age and both times', () => {
    expect(judge(3 * HOUR_MS, 0)?.message).toBe(
      'the node is 3 hours behind (newest block 2026-11-25T03:00:00Z, clock of this host 2026-11-25T06:00:00Z)',
    );
  });

  it('the refusal of an old head names the host clock as a cause while no callers have confirmed it', () => {
    expect(judge(3 * HOUR_MS)?.message).toContain(
      'the node is 3 hours behind, or the clock of this host is fast (',
    );
  });

  it('a block time that no calendar has is refused without an exception', () => {
    expect(judge(9e15, 0)?.message).toContain(`newest block ${NOW_MS - 9e15}`);
  });
});

describe('the time of a block', () => {
  it('the key of the block time is the hash of Timestamp.Now', () => {
    expect(u8aToHex(u8aConcat(xxhashAsU8a('Timestamp', 128), xxhashAsU8a('Now', 128)))).toBe(BLOCK_TIME_KEY);
  });

  it('a block time is eight bytes, little-endian', () => {
    expect(decodeBlockTime('0x0068e5cf8b010000')).toBe(1_700_000_000_000);
    expect(() => decodeBlockTime('0x0068e5cf')).toThrow(
      expect.objectContaining({ code: 'CHAIN_ENDPOINT_UNTRUSTED' }),
    );
  });
});
