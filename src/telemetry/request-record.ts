import type { Clock } from '../clock.ts';
import type { ErrorCode } from '../errors.ts';

/** The timed steps of a signed request, in their order. */
export type Step = 'authenticate' | 'body' | 'verify' | 'wait' | 'unwrap' | 'decode' | 'infer';

/** What is known of one signed request when it is over; the log and /status show it. */
export interface RequestRecord {
  readonly route: string;
  /** Network address of the caller. */
  readonly address: string;
  /** Unix time in milliseconds at which the headers had arrived. */
  readonly arrivedAtMs: number;
  /** Hotkey and uid of the caller; undefined if its signature was not verified. */
  readonly validator: { readonly hotkey: string; readonly uid: number } | undefined;
  /** Hotkey that the request named; only a claim. */
  readonly claimedHotkey: string | undefined;
  readonly bytes: number;
  readonly status: number;
  readonly code: ErrorCode | 'OK';
  /** Milliseconds that each step took; a step not reached is absent. */
  readonly stepsMs: Readonly<Partial<Record<Step, number>>>;
  readonly totalMs: number;
  /** Milliseconds that were left for the answer; undefined if no deadline was made. */
  readonly spareMs: number | undefined;
  /** Stands in the refusal for the words of a fault; absent if the refusal has the words. */
  readonly errorId?: string;
}

/** Collects a RequestRecord while the request is served. */
export interface RecordBuilder {
  readonly arrivedAtMs: number;
  /** Milliseconds since the headers had arrived. */
  elapsedMs(): number;
  /** Times one step; a step runs once in a request. */
  step<T>(step: Step, work: () => Promise<T>): Promise<T>;
  /** Notes a step that was timed elsewhere. */
  took(step: Step, ms: number): void;
  note(
    facts: Partial<Pick<RequestRecord, 'validator' | 'claimedHotkey' | 'bytes' | 'spareMs' | 'errorId'>>,
  ): void;
  finish(status: number, code: ErrorCode | 'OK'): RequestRecord;
}

export function startRecord(route: string, remoteAddress: string, clock: Clock): RecordBuilder {
  const arrivedAtMs = clock.now();
  const startedAt = clock.monotonic();
  const stepsMs: Partial<Record<Step, number>> = {};
  const facts = { validator: undefined, claimedHotkey: undefined, bytes: 0, spareMs: undefined };
  const took = (step: Step, ms: number) => {
    stepsMs[step] = round(ms);
  };
  return {
    arrivedAtMs,
    elapsedMs: () => clock.monotonic() - startedAt,
    async step(step, work) {
      const from = clock.monotonic();
      try {
        return await work();
      } finally {
        took(step, clock.monotonic() - from);
      }
    },
    took,
    note: (more) => {
      Object.assign(facts, more);
    },
    finish: (status, code) =>
      Object.freeze({
        route,
        address: remoteAddress,
        arrivedAtMs,
        ...facts,
        status,
        code,
        stepsMs: Object.freeze({ ...stepsMs }),
        totalMs: round(clock.monotonic() - startedAt),
      }),
  };
}

/** To a tenth of a millisecond: enough for a log. */
function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
