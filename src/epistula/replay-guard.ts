import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { STALE_AFTER_MS } from './headers.ts';

/** Remembers which signed requests were served, also over a restart. */
export interface ReplayGuard {
  /**
   * Notes a verified request, in one synchronous step.
   * @param id a uuid, or a uuid and a number (`uuid:nonce`), in any case of letters
   * @param timestampMs unix time at which the sender dated it
   * @param freshForMs how long after its date it counts as fresh, 8 s when absent
   * @returns false when the same sender already used the same id
   */
  remember(signedBy: string, id: string, timestampMs: number, freshForMs?: number): boolean;
  /**
   * Requests dated before this unix time (ms) cannot be told from replays, since what was served before the start is
   * not known; 0 where it is.
   */
  readonly trustsFromMs: number;
  readonly size: number;
}

interface ReplayGuardOptions {
  /** Folder of its own: that it exists without its file means that the memory was lost. */
  readonly folder: string;
  /** How far in the future a served request may have been dated. */
  readonly futureToleranceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A body ends this long after its headers at the latest; a copy whose headers were fresh may turn up that late. */
export const LONGEST_REQUEST_MS = 11_000;
const MIN_LINES_TO_COMPACT = 1_024;
/** Stands in a line for what was served before that line's time and is not known any more. */
const LOST = 'lost';
const LINE = /^(\d{1,16}) (lost|[1-9A-HJ-NP-Za-km-z]{46,50}:[0-9A-Fa-f-]{36}(?::\d{1,20})?)$/;

/**
 * Opens the guard. Its memory is a file with a line `expiry sender:id` for each request, appended before the request is
 * answered and rewritten now and then without what has expired.
 */
export function createReplayGuard(options: ReplayGuardOptions): ReplayGuard {
  const { folder, futureToleranceMs, clock, logger } = options;
  const path = join(folder, 'served.log');
  const seen = new Map<string, number>();
  /** Lines in the file at which it is written anew; 0 where the file is not whole and must be. */
  let compactAtLines = 0;
  let lines = 0;
  const trustsFromMs = reload() ?? clock.now() + futureToleranceMs;
  if (trustsFromMs > 0) {
    logger.warn(
      { path, untilMs: trustsFromMs },
      'memory of served requests lost; refusing what could be a replay',
    );
  }
  compact();

  /** From when on the memory is whole: 0 where it always was; undefined where it is lost. */
  function reload(): number | undefined {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) return 0;
    try {
      let wholeFromMs = 0;
      const text = readFileSync(path, 'utf8');
      const complete = text.slice(0, text.lastIndexOf('\n') + 1);
      for (const line of complete.split('\n').slice(0, -1)) {
        const [, time, key] = LINE.exec(line) ?? [];
        if (time === undefined || key === undefined) return undefined;
        if (key !== LOST) seen.set(key, Number(time));
        else if (Number(time) > clock.now()) wholeFromMs = Number(time);
      }
      return wholeFromMs;
    } catch (error) {
      logger.debug({ err: error, path }, 'memory of served requests unreadable');
      return undefined;
    }
  }

  /** Forgets what has expired and writes the rest anew, so that neither memory nor file grows without end. */
  function compact(): void {
    const now = clock.now();
    for (const [key, expiry] of seen) if (expiry < now) seen.delete(key);
    lines = seen.size;
    compactAtLines = Math.max(MIN_LINES_TO_COMPACT, 2 * lines);
    persist(() => {
      const fresh = `${path}.new`;
      const kept: Array<readonly [string, number]> = [...seen];
      // Over another restart, too, what was lost stays lost until it can no longer be replayed.
      if (trustsFromMs > now) kept.unshift([LOST, trustsFromMs]);
      writeFileSync(fresh, kept.map(([key, time]) => `${time} ${key}\n`).join(''), { mode: 0o600 });
      renameSync(fresh, path);
    });
  }

  /** Where the file can't be written it is removed, so that the next start knows that its memory is not whole. */
  function persist(write: () => void): void {
    try {
      write();
    } catch (error) {
      logger.error(
        { err: error, path },
        'memory of served requests cannot be written; a restart will forget it',
      );
      compactAtLines = 0;
      remove();
    }
  }

  /** On a disk that takes no change at all this fails too: then requests are served still, and the log has said why. */
  function remove(): void {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      logger.debug({ err: error, path }, 'memory of served requests cannot be removed');
    }
  }

  return {
    remember(signedBy, id, timestampMs, freshForMs = STALE_AFTER_MS) {
      const key = `${signedBy}:${id.toLowerCase()}`;
      if (seen.has(key)) return false;
      const expiry = timestampMs + freshForMs + LONGEST_REQUEST_MS;
      seen.set(key, expiry);
      lines++;
      if (lines > compactAtLines) compact();
      else persist(() => appendFileSync(path, `${expiry} ${key}\n`, { mode: 0o600 }));
      return true;
    },
    trustsFromMs,
    get size() {
      return seen.size;
    },
  };
}
