/**
 * How far our clock is from the chain's, from the times that block authors write into their blocks. Owned by chain.ts.
 */
export interface BlockClock {
  /** Records a new block that was made at `timestampMs` and arrived at `arrivedAtMs`, both Unix time. */
  learn(timestampMs: number, arrivedAtMs: number): void;
  /** Milliseconds that our clock is ahead of the chain's (negative: behind); undefined until blocks were seen. */
  readonly offsetMs: number | undefined;
}

/**
 * Two minutes of a real chain. The block with the shortest delay decides; a clock that was set shows within that time.
 */
const REMEMBERED_BLOCKS = 10;
/** A block may take this long to be made, passed on and imported. A shorter delay says nothing about clocks. */
const LONGEST_DELAY_MS = 3_000;

export function createBlockClock(): BlockClock {
  let delaysMs: readonly number[] = [];
  return {
    learn(timestampMs, arrivedAtMs) {
      delaysMs = [...delaysMs, arrivedAtMs - timestampMs].slice(-REMEMBERED_BLOCKS);
    },
    get offsetMs() {
      if (delaysMs.length === 0) return undefined;
      const fastest = Math.min(...delaysMs);
      // A short delay is no offset. A negative one is: no block arrives before it is made.
      return fastest - Math.min(LONGEST_DELAY_MS, Math.max(0, fastest));
    },
  };
}
