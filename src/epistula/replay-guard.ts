import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { STALE_AFTER_MS } from './headers.ts';

/** Remembers which signed requests were served, also over a restart. */
export interface ReplayGuard {
  /**
   * Notes a verified request, in one synchronous step.
   * @returns false if the same sender already used the same id for the same task, or if the request is so old that its
   * entry would be forgotten already, as after the wall clock was set back
   */
  remember(request: ServedRequest): boolean;
  /**
   * Requests dated before this unix time (ms) cannot be told from replays, since what was served before the start is
   * not known; 0 if it always was.
   */
  readonly trustsFromMs: number;
  readonly size: number;
}

/** What tells a request from all others. The task is not signed: a copy sent to another task's path is another request. */
export interface ServedRequest {
  /** ss58 address of the sender's hotkey. */
  readonly signedBy: string;
  /** A uuid, or a uuid and a number (`uuid:nonce`), in any case of letters. */
  readonly id: string;
  /** What the path asks for, in lower-case letters and underscores; paths that ask for the same share it. */
  readonly task: string;
  /** Unix time in milliseconds at which the sender dated it. */
  readonly timestampMs: number;
  /** How long after its date it counts as fresh, in milliseconds; 8 s if absent. */
  readonly freshForMs?: number;
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
/** Stands in a line for entries that were dropped: none of them expired after that line's time. */
const EXPIRED = 'expired';
/** Lines of older releases name no task: such an entry counts for every task. */
const LINE =
  /^(\d{1,16}) (lost|expired|[1-9A-HJ-NP-Za-km-z]{46,50}:[0-9A-Fa-f-]{36}(?::\d{1,20})?(?::[a-z_]{1,32})?)$/;

/**
 * Opens the guard. Its memory is a file with a line `expiry sender:id:task` for each request, appended before the request is
 * answered and rewritten now and then without what has expired. The wall clock may be set back at any time, and what has expired by it
 * becomes fresh again: so the latest expiry of all dropped entries is kept, and what would expire earlier is refused.
 */
export function createReplayGuard(options: ReplayGuardOptions): ReplayGuard {
  const { folder, futureToleranceMs, clock, logger } = options;
  const path = join(folder, 'served.log');
  const seen = new Map<string, number>();
  /** Lines in the file at which it is written anew; 0 where the file is not whole and must be. */
  let compactAtLines = 0;
  let lines = 0;
  /** No dropped entry expired later, in unix milliseconds. */
  let droppedUntilMs = 0;
  const trustsFromMs = reload() ?? clock.now() + futureToleranceMs;
  if (trustsFromMs > clock.now()) {
    logger.warn(
      { path, untilMs: trustsFromMs },
      'memory of served requests lost; refusing what could be a replay',
    );
  }
  compact();

  /** From when on the memory is whole: 0 if it always was; undefined if it is lost. */
  function reload(): number | undefined {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) return 0;
    try {
      let wholeFromMs = 0;
      const text = readFileSync(path, 'utf8');
      const complete = text.slice(0, text.lastIndexOf('\n') + 1);
      for (const line of complete.split('\n').slice(0, -1)) {
        const [, time, key] = LINE.exec(line) ?? [];
        if (time === undefined || key === undefined) return undefined;
        if (key === LOST) wholeFromMs = Number(time);
        else if (key === EXPIRED) droppedUntilMs = Number(time);
        else seen.set(key, Number(time));
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
    for (const [key, expiry] of seen) {
      if (expiry >= now) continue;
      seen.delete(key);
      droppedUntilMs = Math.max(droppedUntilMs, expiry);
    }
    lines = seen.size;
    compactAtLines = Math.max(MIN_LINES_TO_COMPACT, 2 * lines);
    persist(() => {
      const fresh = `${path}.new`;
      const kept: Array<readonly [string, number]> = [...seen];
      if (droppedUntilMs > 0) kept.unshift([EXPIRED, droppedUntilMs]);
      // Over another restart, too, what was lost stays lost, also if the wall clock is set back meanwhile.
      if (trustsFromMs > 0) kept.unshift([LOST, trustsFromMs]);
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
    remember({ signedBy, id, task, timestampMs, freshForMs = STALE_AFTER_MS }) {
      const forEveryTask = `${signedBy}:${id.toLowerCase()}`;
      const key = `${forEveryTask}:${task}`;
      const expiry = timestampMs + freshForMs + LONGEST_REQUEST_MS;
      if (expiry <= droppedUntilMs || seen.has(key) || seen.has(forEveryTask)) return false;
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
