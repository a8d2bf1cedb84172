import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asMinerError, MinerError } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { locateModel } from './locate-model.ts';
import { listModelFiles, lostModelJson, type ModelFiles } from './model-files.ts';
import { weightsNotFound } from './model-folder.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

/**
 * The watcher compares names, sizes, inodes and times, since network mounts and containers send no events. Only two equal
 * looks in a row count: copying a large file into place takes seconds. The engine owns the watcher.
 */

/**
 * - `unsettled`: the files changed since the last look, and may still be being written
 * - `same`: they are the files of the last snapshot
 * - `changed`: they differ from the last snapshot, and none is missing
 * - `missing`: a file that the model needs cannot be found or read; nothing is loaded
 */
type Finding =
  | { readonly kind: 'unsettled' | 'same' | 'changed' }
  | { readonly kind: 'missing'; readonly missing: readonly string[] };

export interface ModelWatcher {
  /**
   * Whether the files changed since the last snapshot.
   * @param loaded the files of the running model, if there is one
   */
  look(loaded: ModelFiles | undefined): Promise<Finding>;
  /**
   * Takes a snapshot of the files as they are at one moment. If they change meanwhile, it is taken again.
   * @throws MinerError MODEL_COPY_FAILED or what `locateModel` throws; the signal's reason once it is aborted
   */
  take(signal: AbortSignal): Promise<Snapshot>;
}

interface ModelWatcherOptions {
  /** A `.onnx` file, or a folder with `model.onnx`. */
  readonly modelPath: string;
  /** Where snapshots are put: on disk, in a folder that no other program cleans. */
  readonly copiesFolder: string;
  /** Milliseconds to wait if the files changed during a snapshot. */
  readonly pauseMs: number;
  readonly logger: Logger;
}

/** About a minute. A full disk may have room by then. */
const LOOKS_UNTIL_RETRY = 30;

export function createModelWatcher({
  modelPath,
  copiesFolder,
  pauseMs,
  logger,
}: ModelWatcherOptions): ModelWatcher {
  let taken: ModelFiles | undefined;
  let former: ModelFiles | undefined;
  let formerTrouble: string | undefined;
  /** After a snapshot that failed: looks until the same files are tried again. */
  let looksUntilRetry: number | undefined;

  function judge(now: ModelFiles, loaded: ModelFiles | undefined): Finding {
    if (now.missing.length > 0) return { kind: 'missing', missing: now.missing };
    if (now.mark === taken?.mark) {
      if (looksUntilRetry === undefined) return { kind: 'same' };
      looksUntilRetry -= 1;
      return { kind: looksUntilRetry > 0 ? 'same' : 'changed' };
    }
    if (loaded !== undefined && lostModelJson(loaded, now)) {
      return { kind: 'missing', missing: [join(now.folder, 'model.json')] };
    }
    return { kind: 'changed' };
  }

  async function isUnchanged(files: ModelFiles, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    return (await listModelFiles(modelPath, files).catch(() => undefined))?.mark === files.mark;
  }

  return {
    async look(loaded) {
      let settled: boolean;
      try {
        const now = await listModelFiles(modelPath, former ?? taken);
        settled = former?.mark === now.mark;
        former = now;
        formerTrouble = undefined;
        return settled ? judge(now, loaded) : { kind: 'unsettled' };
      } catch (error) {
        const { message } = asMinerError(error, 'MODEL_COPY_FAILED');
        settled = formerTrouble === message;
        formerTrouble = message;
        return settled ? { kind: 'missing', missing: [message] } : { kind: 'unsettled' };
      }
    },

    async take(signal) {
      for (;;) {
        locateModel(modelPath);
        const files = await listModelFiles(modelPath, taken);
        if (files.onnx === undefined) throw new MinerError('MODEL_NOT_FOUND', `${modelPath} is gone`);
        const [missing] = files.missing;
        if (missing !== undefined) throw weightsNotFound(missing);
        taken = files;
        looksUntilRetry = LOOKS_UNTIL_RETRY;
        const snapshot = await takeSnapshot(files, copiesFolder, signal).catch((error: unknown) =>
          asMinerError(error, 'MODEL_COPY_FAILED'),
        );
        const unchanged = await isUnchanged(files, signal);
        if (unchanged && !(snapshot instanceof MinerError)) {
          looksUntilRetry = undefined;
          return snapshot;
        }
        if (!(snapshot instanceof MinerError)) await snapshot.remove();
        signal.throwIfAborted();
        if (unchanged) throw snapshot;
        logger.debug({ modelPath }, 'model files changed while they were copied');
        await sleep(pauseMs, undefined, { signal });
      }
    },
  };
}
