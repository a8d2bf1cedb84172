/** Time as the miner sees it; injected, so that tests drive it. */
export interface Clock {
  /** Unix time in milliseconds: what timestamps on the wire are compared with. */
  now(): number;
  /** Milliseconds that never jump: what durations and deadlines are measured with. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
