// Writes a log line for each signed request and counts the outcomes, for /status and for readiness.
import type { Clock } from '../clock.ts';
import type { MinerError } from '../errors.ts';
import type { Logger } from './logger.ts';
import type { RequestRecord } from './request-record.ts';

/** The requests so far, for an operator. */
export interface RequestSummary {
  readonly total: number;
  /** How many requests had each outcome; `OK` counts the answered ones. */
  readonly byCode: Readonly<Record<string, number>>;
  /** Unix time in milliseconds of the last verified request; undefined before the first. */
  readonly lastVerifiedAtMs: number | undefined;
  /** How long ago that was, in milliseconds, by a clock that never jumps. */
  readonly lastVerifiedAgeMs: number | undefined;
  /** The newest verified requests, newest first. */
  readonly recent: readonly RequestRecord[];
}

export interface RequestLog {
  add(record: RequestRecord, error: MinerError | undefined): void;
  summary(): RequestSummary;
}

const RECENT_REQUESTS = 20;
/** Anyone can send requests that are not verified; so many lines about them are written in each window. */
const UNVERIFIED_LINES = 20;
const UNVERIFIED_WINDOW_MS = 10_000;

/** Writes a line for each signed request and counts the outcomes. */
export function createRequestLog({ logger, clock }: { logger: Logger; clock: Clock }): RequestLog {
  const byCode = new Map<string, number>();
  let recent: readonly RequestRecord[] = [];
  let total = 0;
  let lastVerifiedAtMs: number | undefined;
  let lastVerifiedMonotonicMs: number | undefined;
  let windowStart = clock.monotonic();
  let linesInWindow = 0;
  let suppressed = 0;

  /** Whether one more line about an unverified request may be written. */
  function mayWriteUnverified(): boolean {
    if (clock.monotonic() - windowStart > UNVERIFIED_WINDOW_MS) {
      if (suppressed > 0) logger.info({ suppressed }, 'more refusals of unverified requests, not shown');
      windowStart = clock.monotonic();
      linesInWindow = 0;
      suppressed = 0;
    }
    if (linesInWindow++ < UNVERIFIED_LINES) return true;
    suppressed++;
    return false;
  }

  function write(record: RequestRecord, error: MinerError | undefined): void {
    const { validator, claimedHotkey, stepsMs, arrivedAtMs: _, ...facts } = record;
    const who =
      validator === undefined ? { claimedHotkey } : { uid: validator.uid, hotkey: validator.hotkey };
    const line = { ...who, ...facts, ...stepsMs };
    // The status of the error, not of the reply: a synapse is answered with 500 for some faults of its caller, too.
    if (error !== undefined && error.status >= 500) {
      logger.error(
        { ...line, ...error.fields, err: error.cause, reason: error.message, remedy: error.remedy },
        'request failed',
      );
    } else if (error !== undefined) {
      logger.info({ ...line, ...error.fields, reason: error.message }, 'request refused');
    } else {
      logger.info(line, 'request answered');
    }
  }

  return {
    add(record, error) {
      total++;
      byCode.set(record.code, (byCode.get(record.code) ?? 0) + 1);
      if (record.validator !== undefined) {
        lastVerifiedAtMs = record.arrivedAtMs;
        lastVerifiedMonotonicMs = clock.monotonic();
        recent = [record, ...recent].slice(0, RECENT_REQUESTS);
      }
      if (record.validator !== undefined || mayWriteUnverified()) write(record, error);
    },
    summary: () => ({
      total,
      byCode: Object.fromEntries(byCode),
      lastVerifiedAtMs,
      lastVerifiedAgeMs:
        lastVerifiedMonotonicMs === undefined ? undefined : clock.monotonic() - lastVerifiedMonotonicMs,
      recent,
    }),
  };
}
