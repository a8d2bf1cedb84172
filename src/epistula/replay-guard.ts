// Remembers which signed requests were served, also over a restart: a copy of one is refused.
// The assembly makes it; signed-request.ts asks it, and readiness waits until its memory is whole.
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { STALE_AFTER_MS } from './headers.ts';

export interface ReplayGuard {
  /**
   * Refuses a request that could be a replay because the memory of its time was lost.
   * @param timestampMs unix time in milliseconds at which the caller dated it
   * @throws MinerError AXON_REPLAY_UNKNOWN
   */
  refuseUnknown(timestampMs: number): void;
  /**
   * Notes a verified request, in one synchronous step.
   * @returns false if the same hotkey already used the same id for the same task, or if the request is so old that its
   * entry would already be forgotten, which happens after the wall clock was set back
   */
  remember(request: ServedRequest): boolean;
  /**
   * Requests dated before this unix time (ms) cannot be told from replays, because the memory of them was lost; 0 if no
   * memory was lost.
   */
  readonly trustsFromMs: number;
  readonly size: number;
}

/** What identifies a request. The task is not signed: a copy sent to the path of another task is another request. */
export interface ServedRequest {
  /** Hotkey that signed it. */
  readonly hotkey: string;
  /** A uuid, or a uuid and a number (`uuid:nonce`), in any case of letters. */
  readonly id: string;
  /** What the path asks for, in lower-case letters and underscores; paths that ask for the same share it. */
  readonly task: string;
  /** Unix time in milliseconds at which the caller dated it. */
  readonly timestampMs: number;
  /** How long after its date it counts as fresh, in milliseconds; 8 s if absent. */
  readonly freshForMs?: number;
}

interface ReplayGuardOptions {
  /** A folder for this file alone: if the folder exists and the file does not, the memory was lost. */
  readonly folder: string;
  /** How far in the future a served request may have been dated. */
  readonly futureToleranceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A body ends this long after its headers at the latest. A copy with fresh headers may end that late, too. */
export const LONGEST_REQUEST_MS = 11_000;
const MIN_LINES_TO_COMPACT = 1_024;
/** Marks a line whose time is the end of a lost memory: what was served before it is not known. */
const LOST = 'lost';
/** Marks a line whose time is the latest expiry of all dropped entries. */
const EXPIRED = 'expired';
/** Lines of older releases name no task; such an entry counts for every task. */
const LINE =
  /^(\d{1,16}) (lost|expired|[1-9A-HJ-NP-Za-km-z]{46,50}:[0-9A-Fa-f-]{36}(?::\d{1,20})?(?::[a-z_]{1,32})?)$/;

/**
 * Opens the guard. Its memory is a file with a line `expiry hotkey:id:task` for each request. A line is appended before the
 * request is answered, and the file is rewritten now and then without the expired lines. If the wall clock is set back,
 * expired requests become fresh again. So the latest expiry of all dropped lines is kept, and a request that would expire
 * earlier is refused.
 */
export function createReplayGuard(options: ReplayGuardOptions): ReplayGuard {
  const { folder, futureToleranceMs, clock, logger } = options;
  const path = join(folder, 'served.log');
  const seen = new Map<string, number>();
  /** With more lines than this the file is rewritten; 0 if it is not whole and must be. */
  let compactAtLines = 0;
  let lines = 0;
  /** The latest expiry of all dropped entries, in unix milliseconds. */
  let droppedUntilMs = 0;
  const trustsFromMs = reload() ?? clock.now() + futureToleranceMs;
  if (trustsFromMs > clock.now()) {
    logger.warn(
      { path, untilMs: trustsFromMs },
      'memory of served requests lost; requests that could be replays are refused',
    );
  }
  compact();

  /** Reads the memory. @returns the unix time from which it is whole, 0 if it always was; undefined if it is lost */
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

  /** Drops expired entries and rewrites the file, so that neither memory nor file grows without end. */
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
      // A lost memory stays lost over another restart, also if the wall clock is set back before it.
      if (trustsFromMs > 0) kept.unshift([LOST, trustsFromMs]);
      writeFileSync(fresh, kept.map(([key, time]) => `${time} ${key}\n`).join(''), { mode: 0o600 });
      renameSync(fresh, path);
    });
  }

  /** A file that cannot be written is removed, so that the next start knows that its memory is not whole. */
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

  /** Fails, too, on a disk that takes no change at all. Requests are still served, and the log has said why. */
  function remove(): void {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      logger.debug({ err: error, path }, 'memory of served requests cannot be removed');
    }
  }

  return {
    refuseUnknown(timestampMs) {
      if (timestampMs < trustsFromMs) {
        throw new MinerError('AXON_REPLAY_UNKNOWN', 'just restarted; this request could be a replay', {
          fields: { untilMs: trustsFromMs - clock.now() },
        });
      }
    },
    remember({ hotkey, id, task, timestampMs, freshForMs = STALE_AFTER_MS }) {
      const forEveryTask = `${hotkey}:${id.toLowerCase()}`;
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
