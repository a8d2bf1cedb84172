import { setTimeout as sleep } from 'node:timers/promises';
import type { Readiness } from '../admin/server.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';

interface ReadinessWatchOptions {
  readonly readiness: () => Readiness;
  /** Called when the miner is ready for the first time. */
  readonly onFirstReady: () => void;
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly signal: AbortSignal;
}

/** Readiness is polled, because it also changes with time alone: after a lost memory of served requests. */
const LOOK_EVERY_MS = 100;
/** Shorter changes, such as the steps of a start or of a new model process, have log lines of their own. */
const SETTLED_AFTER_MS = 2_000;

/** Watches whether the miner is ready, and logs each change once, until the signal is aborted. */
export async function watchReadiness(options: ReadinessWatchOptions): Promise<void> {
  const { readiness, onFirstReady, logger, clock, signal } = options;
  let wasEverReady = false;
  const reasonsLog = createChangeLog(clock, (reasons) => {
    if (reasons.length > 0) logger.warn({ reasons }, 'not ready');
    else logger.info('ready');
  });
  const warningsLog = createChangeLog(clock, (warnings) => {
    if (warnings.length > 0) logger.warn({ warnings }, 'warnings');
    else logger.info('no warnings any more');
  });
  while (!signal.aborted) {
    const { ready, reasons, warnings } = readiness();
    if (ready && !wasEverReady) {
      wasEverReady = true;
      onFirstReady();
    }
    reasonsLog(reasons);
    warningsLog(warnings);
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Calls `tell` when a list of sentences has changed and stayed so for 2 s. A change of numbers alone does not count. */
function createChangeLog(
  clock: Pick<Clock, 'monotonic'>,
  tell: (sentences: readonly string[]) => void,
): (sentences: readonly string[]) => void {
  let told = '';
  let seen = '';
  let seenSinceMs = clock.monotonic();
  return (sentences) => {
    const key = sentences.join('\n').replaceAll(/\d+/g, '0');
    if (key !== seen) {
      seen = key;
      seenSinceMs = clock.monotonic();
    }
    if (seen === told || clock.monotonic() - seenSinceMs < SETTLED_AFTER_MS) return;
    told = seen;
    tell(sentences);
  };
}
