import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asMinerError, MinerError } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { weightsNotFound } from '../child/load-failure.ts';
import { locateModel } from './locate-model.ts';
import { lookAtModel, lostModelJson, type ModelLook } from './model-files.ts';
import { copyModel, type ModelCopy } from './snapshot.ts';

/**
 * - `unsettled`: the files are not what they were at the look before; they may be written just now
 * - `same`: they are those that were taken last
 * - `changed`: they are others, and whole as far as can be told
 * - `missing`: some that the model needs cannot be found or read, which is no reason to load anything
 */
type Finding =
  | { readonly kind: 'unsettled' | 'same' | 'changed' }
  | { readonly kind: 'missing'; readonly missing: readonly string[] };

/** The files of a model where the operator puts them. */
export interface ModelSource {
  /**
   * Whether the files have become others since they were last taken.
   * @param loaded those of the model that answers, where there is one
   */
  look(loaded: ModelLook | undefined): Promise<Finding>;
  /**
   * A copy of the files as they are at one moment: they are copied again for as long as they change meanwhile.
   * @throws MinerError MODEL_COPY_FAILED or what `locateModel` throws; the signal's reason once it is aborted
   */
  take(signal: AbortSignal): Promise<ModelCopy>;
}

interface ModelSourceOptions {
  /** A `.onnx` file, or a folder with `model.onnx`. */
  readonly modelPath: string;
  /** Where copies are put: on disk, and where no one tidies. */
  readonly copiesFolder: string;
  /** How long files that change while they are copied are given. */
  readonly pauseMs: number;
  readonly logger: Logger;
}

/** About a minute: room may have been made on the disk meanwhile. */
const LOOKS_UNTIL_RETRY = 30;

/**
 * Looks at names, sizes, inodes and times of writing, which network mounts and containers tell where they tell no
 * events. Only two equal looks in a row count, since a large file takes seconds to be copied into its place.
 */
export function createModelSource({
  modelPath,
  copiesFolder,
  pauseMs,
  logger,
}: ModelSourceOptions): ModelSource {
  let taken: ModelLook | undefined;
  let former: ModelLook | undefined;
  let formerTrouble: string | undefined;
  /** Looks until files that could not be copied are tried again, although they are the same. */
  let looksUntilRetry: number | undefined;

  function judge(look: ModelLook, loaded: ModelLook | undefined): Finding {
    if (look.missing.length > 0) return { kind: 'missing', missing: look.missing };
    if (look.mark === taken?.mark) {
      if (looksUntilRetry === undefined) return { kind: 'same' };
      looksUntilRetry -= 1;
      return { kind: looksUntilRetry > 0 ? 'same' : 'changed' };
    }
    if (loaded !== undefined && lostModelJson(loaded, look)) {
      return { kind: 'missing', missing: [join(look.folder, 'model.json')] };
    }
    return { kind: 'changed' };
  }

  async function isStill(look: ModelLook, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    return (await lookAtModel(modelPath, look).catch(() => undefined))?.mark === look.mark;
  }

  return {
    async look(loaded) {
      let settled: boolean;
      try {
        const look = await lookAtModel(modelPath, former ?? taken);
        settled = former?.mark === look.mark;
        former = look;
        formerTrouble = undefined;
        return settled ? judge(look, loaded) : { kind: 'unsettled' };
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
        const look = await lookAtModel(modelPath, taken);
        if (look.onnx === undefined)
          throw new MinerError('MODEL_NOT_FOUND', `there is no ${modelPath} any more`);
        const [missing] = look.missing;
        if (missing !== undefined) throw weightsNotFound(missing);
        taken = look;
        looksUntilRetry = LOOKS_UNTIL_RETRY;
        const copy = await copyModel(look, copiesFolder, signal).catch((error: unknown) =>
          asMinerError(error, 'MODEL_COPY_FAILED'),
        );
        const still = await isStill(look, signal);
        if (still && !(copy instanceof MinerError)) {
          looksUntilRetry = undefined;
          return copy;
        }
        if (!(copy instanceof MinerError)) await copy.remove();
        signal.throwIfAborted();
        if (still) throw copy;
        logger.debug({ modelPath }, 'model files changed while they were copied');
        await sleep(pauseMs, undefined, { signal });
      }
    },
  };
}
