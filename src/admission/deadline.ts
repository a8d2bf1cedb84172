import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';

/** A validator abandons a request this long after it started to connect. */
export const VALIDATOR_TIMEOUT_MS = 11_000;
/** Kept back for the way of the answer to the caller. */
export const REPLY_MARGIN_MS = 400;

/** What a deadline needs of a clock. */
export type DeadlineClock = Pick<Clock, 'monotonic'>;

/**
 * The moment after which an answer is worth nothing. It is made when a request's headers arrive, and goes with the
 * request: every wait, child process and retry ends at it.
 */
export interface Deadline {
  /** Milliseconds left; negative once it has passed. */
  remainingMs(): number;
  /** Aborted with a MinerError ADMISSION_DEADLINE at the deadline, or earlier with the reason given to `cancel`. */
  readonly signal: AbortSignal;
  /** Ends the request early: nobody waits for its answer any more. */
  cancel(reason: MinerError): void;
  /** Ends the timer behind `signal`; call it when the request is over. */
  dispose(): void;
}

/**
 * The deadline of a request whose caller began to wait `waitingForMs` ago.
 * @param waitingForMs milliseconds from the caller's start to now; 0 if it is not known
 * @param timeoutMs how long the caller says that it waits; at most the time of a validator counts
 */
export function createDeadline(
  clock: DeadlineClock,
  waitingForMs: number,
  timeoutMs = VALIDATOR_TIMEOUT_MS,
): Deadline {
  const patienceMs = Math.min(timeoutMs, VALIDATOR_TIMEOUT_MS);
  const atMs = clock.monotonic() - waitingForMs + patienceMs - REPLY_MARGIN_MS;
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new MinerError('ADMISSION_DEADLINE', 'the answer would come too late')),
    Math.max(0, atMs - clock.monotonic()),
  );
  timer.unref();
  return {
    remainingMs: () => atMs - clock.monotonic(),
    signal: controller.signal,
    cancel: (reason) => controller.abort(reason),
    dispose: () => clearTimeout(timer),
  };
}
