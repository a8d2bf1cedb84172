import type { Clock } from '../clock.ts';

/**
 * How far the clocks of callers are from ours, learnt from verified requests only.
 *
 * A request's headers arrive `skew + network delay` after its timestamp, on our clock. The smallest of these differences
 * estimates the skew of a caller. If a later request took longer, it spent the rest connecting.
 */
export interface ClockSkew {
  /** Notes a verified request of `caller`. */
  learn(caller: string, timestampMs: number, arrivedAtMs: number): void;
  /**
   * How long ago the caller began to wait, in milliseconds: 0 to 4,000, and 0 if the caller is new or its clock has
   * jumped.
   */
  waitingForMs(caller: string, timestampMs: number, arrivedAtMs: number): number;
  /**
   * How far our clock is ahead of the callers' (negative: behind), in milliseconds: the median of their offsets, so that a
   * few wrong clocks do not count. Undefined while there are no callers.
   */
  typical(): { readonly offsetMs: number; readonly callers: number } | undefined;
  /** The typical offset if at least three callers have one, so that our own clock must be the wrong one; else undefined. */
  agreedOffsetMs(): number | undefined;
}

/**
 * The longest time from a request's timestamp to its headers. A validator makes the timestamp before it connects, and
 * gives up after 4 s of connecting (aiohttp's `connect=4.0`, bitmind/config.py of 3.3.1). A longer difference means that
 * a clock jumped.
 */
const LONGEST_CONNECT_MS = 4_000;
/** Clocks drift and are set, so older requests do not count. Validators call about once a minute. */
const REMEMBERED_MS = 10 * 60_000;
const REMEMBERED_REQUESTS = 32;
/** With at least this many requests the smallest difference does not count, so one request dated ahead changes nothing. */
const ENOUGH_TO_DROP_ONE = 4;
const MAX_CALLERS = 1_024;
/** This many callers are trusted over the chain, whose blocks may take seconds to arrive. */
const ENOUGH_CALLERS = 3;

interface Sample {
  /**
   * Our monotonic clock minus the caller's clock, in milliseconds. It stays the same when our own wall clock is set.
   */
  readonly offsetMs: number;
  readonly learntAtMs: number;
}

export function createClockSkew(clock: Clock): ClockSkew {
  const callers = new Map<string, readonly Sample[]>();

  /** Our wall clock minus our monotonic clock. */
  const wallMinusMonotonicMs = () => clock.now() - clock.monotonic();

  const remembered = (caller: string): readonly Sample[] =>
    (callers.get(caller) ?? []).filter(({ learntAtMs }) => clock.monotonic() - learntAtMs <= REMEMBERED_MS);

  function offsetOf(caller: string): number | undefined {
    const sorted = remembered(caller)
      .map(({ offsetMs }) => offsetMs)
      .sort((a, b) => a - b);
    const best = sorted[sorted.length >= ENOUGH_TO_DROP_ONE ? 1 : 0];
    return best === undefined ? undefined : best + wallMinusMonotonicMs();
  }

  /** Whether an offset differs from the estimate by more than any connection takes. */
  function contradicts(offsetMs: number, estimateMs: number): boolean {
    return Math.abs(offsetMs - estimateMs) > LONGEST_CONNECT_MS;
  }

  const typical: ClockSkew['typical'] = () => {
    const sorted = [...callers.keys()]
      .map(offsetOf)
      .filter((offset) => offset !== undefined)
      .sort((a, b) => a - b);
    const offsetMs = sorted[Math.floor((sorted.length - 1) / 2)];
    return offsetMs === undefined ? undefined : { offsetMs, callers: sorted.length };
  };

  return {
    learn(caller, timestampMs, arrivedAtMs) {
      const offsetMs = arrivedAtMs - timestampMs;
      const estimateMs = offsetOf(caller);
      const known = estimateMs !== undefined && contradicts(offsetMs, estimateMs) ? [] : remembered(caller);
      const sample = { offsetMs: offsetMs - wallMinusMonotonicMs(), learntAtMs: clock.monotonic() };
      callers.delete(caller);
      callers.set(caller, [...known, sample].slice(-REMEMBERED_REQUESTS));
      const oldest = callers.keys().next().value;
      if (callers.size > MAX_CALLERS && oldest !== undefined) callers.delete(oldest);
    },
    waitingForMs(caller, timestampMs, arrivedAtMs) {
      const offsetMs = arrivedAtMs - timestampMs;
      const estimateMs = offsetOf(caller);
      if (estimateMs === undefined || contradicts(offsetMs, estimateMs)) return 0;
      return Math.max(0, offsetMs - estimateMs);
    },
    typical,
    agreedOffsetMs() {
      const { offsetMs, callers: count } = typical() ?? { offsetMs: 0, callers: 0 };
      return count >= ENOUGH_CALLERS ? offsetMs : undefined;
    },
  };
}
