import type { Clock } from '../clock.ts';
import type { MinerError } from '../errors.ts';
import type { Logger } from './logger.ts';
import type { RequestRecord } from './request-record.ts';

/** What an operator asks of the requests so far. */
export interface RequestSummary {
  readonly total: number;
  /** Requests by outcome code; `OK` are the answered ones. */
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
/** Strangers may call as often as they like; this many of their lines are written in each window. */
const STRANGER_LINES = 20;
const STRANGER_WINDOW_MS = 10_000;

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

  /** Whether one more line about a stranger may be written. */
  function mayWriteAboutStranger(): boolean {
    if (clock.monotonic() - windowStart > STRANGER_WINDOW_MS) {
      if (suppressed > 0) logger.info({ suppressed }, 'further refusals of strangers not shown');
      windowStart = clock.monotonic();
      linesInWindow = 0;
      suppressed = 0;
    }
    if (linesInWindow++ < STRANGER_LINES) return true;
    suppressed++;
    return false;
  }

  function write(record: RequestRecord, error: MinerError | undefined): void {
    const { validator, claimedHotkey, stepsMs, arrivedAtMs: _, ...facts } = record;
    const who =
      validator === undefined ? { claimedHotkey } : { uid: validator.uid, hotkey: validator.hotkey };
    const line = { ...who, ...facts, ...stepsMs };
    // The SDK's protocol answers 500 to some faults of the caller, too.
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
      if (record.validator !== undefined || mayWriteAboutStranger()) write(record, error);
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
