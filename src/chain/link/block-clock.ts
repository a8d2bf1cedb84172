/** How far our clock is from the chain's, learnt from the times that the blocks' authors write into them. */
export interface BlockClock {
  /** Notes a new block that was made at `timestampMs` and arrived at `arrivedAtMs`, both Unix time. */
  learn(timestampMs: number, arrivedAtMs: number): void;
  /** Milliseconds that our clock is ahead of the chain's (negative: behind); undefined until blocks were seen. */
  readonly offsetMs: number | undefined;
}

/** Two minutes of a real chain: the fastest of so many blocks tells the most, and a clock set anew shows soon. */
const REMEMBERED_BLOCKS = 10;
/** A block is made, passed on and imported within this; a delay below it says nothing about clocks. */
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
      // What could be mere delay is no offset; nothing arrives before it was made.
      return fastest - Math.min(LONGEST_DELAY_MS, Math.max(0, fastest));
    },
  };
}
