import type { Clock } from '../clock.ts';

/**
 * The moment after which an answer is worth nothing. It is made when a request's headers arrive and travels
 * with it: every wait, child and retry obeys it.
 */
export interface Deadline {
  /** Milliseconds left; negative once it has passed. */
  remainingMs(): number;
  /** Aborted with a `MinerError` ADMISSION_DEADLINE at the deadline, or earlier with the caller's own reason. */
  readonly signal: AbortSignal;
  /** Ends the timer behind `signal`; call it when the request is over. */
  dispose(): void;
}

export type DeadlineClock = Pick<Clock, 'monotonic'>;
