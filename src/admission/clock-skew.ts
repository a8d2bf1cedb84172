/**
 * How far the clocks of callers are from ours, learnt from verified requests only.
 *
 * A request's headers arrive `skew + network delay` after its timestamp, on our clock. The smallest such difference
 * seen of a caller is the best estimate of the skew: what a later request took longer than that, it spent connecting.
 */
export interface ClockSkew {
  /** Notes a verified request of `caller`. */
  learn(caller: string, timestampMs: number, arrivedAtMs: number): void;
  /** How long ago the caller began to wait, in milliseconds; 0 for one not met before. */
  waitingForMs(caller: string, timestampMs: number, arrivedAtMs: number): number;
  /** Estimated offset of our clock against the caller's, in milliseconds; undefined when not met. */
  of(caller: string): number | undefined;
  /**
   * How far our clock is ahead of the callers' (negative: behind), in milliseconds: the middle one of their offsets,
   * so that a few wrong clocks don't count. Undefined while there are no callers.
   */
  typical(): { readonly offsetMs: number; readonly callers: number } | undefined;
  /** The typical offset, once so many callers agree on it that ours must be the clock that is wrong; else undefined. */
  agreedOffsetMs(): number | undefined;
}

/** Clocks drift: an estimate older than this many requests of the same caller no longer counts. */
const REMEMBERED_REQUESTS = 32;
/** Nobody waits longer than a validator does before headers arrive; a larger value is a clock that jumped. */
const LONGEST_WAIT_MS = 8_000;
const MAX_CALLERS = 1_024;
/** So many callers know better than the chain, whose blocks may take seconds to arrive. */
const ENOUGH_CALLERS = 3;

export function createClockSkew(): ClockSkew {
  const offsets = new Map<string, number[]>();
  const offsetOf = (caller: string) => {
    const known = offsets.get(caller);
    return known === undefined ? undefined : Math.min(...known);
  };
  const typical: ClockSkew['typical'] = () => {
    const sorted = [...offsets.values()].map((known) => Math.min(...known)).sort((a, b) => a - b);
    const offsetMs = sorted[Math.floor((sorted.length - 1) / 2)];
    return offsetMs === undefined ? undefined : { offsetMs, callers: sorted.length };
  };
  return {
    learn(caller, timestampMs, arrivedAtMs) {
      const known = offsets.get(caller) ?? [];
      offsets.delete(caller);
      offsets.set(caller, [...known, arrivedAtMs - timestampMs].slice(-REMEMBERED_REQUESTS));
      const oldest = offsets.keys().next().value;
      if (offsets.size > MAX_CALLERS && oldest !== undefined) offsets.delete(oldest);
    },
    waitingForMs(caller, timestampMs, arrivedAtMs) {
      const offset = offsetOf(caller);
      if (offset === undefined) return 0;
      return Math.min(LONGEST_WAIT_MS, Math.max(0, arrivedAtMs - timestampMs - offset));
    },
    of: offsetOf,
    typical,
    agreedOffsetMs() {
      const { offsetMs, callers } = typical() ?? { offsetMs: 0, callers: 0 };
      return callers >= ENOUGH_CALLERS ? offsetMs : undefined;
    },
  };
}
