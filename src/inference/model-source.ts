import { setTimeout as sleep } from 'node:timers/promises';
import { asMinerError, MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { copyModel, type ModelCopy } from './model-copy.ts';
import { lookAtModel, lostModelJson, type ModelLook } from './model-files.ts';

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
  /** Whether the files have become others since they were last taken. */
  look(): Promise<Finding>;
  /**
   * A copy of the files as they are at one moment: they are copied again for as long as they change meanwhile.
   * @throws MinerError MODEL_NOT_FOUND or MODEL_COPY_FAILED; the signal's reason once it is aborted
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

  function judge(look: ModelLook): Finding {
    if (look.missing.length > 0) return { kind: 'missing', missing: look.missing };
    if (look.mark === taken?.mark) return { kind: 'same' };
    if (taken !== undefined && lostModelJson(taken, look))
      return { kind: 'missing', missing: ['model.json'] };
    return { kind: 'changed' };
  }

  return {
    async look() {
      let settled: boolean;
      try {
        const look = await lookAtModel(modelPath, former ?? taken);
        settled = former?.mark === look.mark;
        former = look;
        formerTrouble = undefined;
        return settled ? judge(look) : { kind: 'unsettled' };
      } catch (error) {
        const { message } = asMinerError(error, 'MODEL_COPY_FAILED');
        settled = formerTrouble === message;
        formerTrouble = message;
        return settled ? { kind: 'missing', missing: [message] } : { kind: 'unsettled' };
      }
    },

    async take(signal) {
      for (;;) {
        const look = await lookAtModel(modelPath, taken);
        const [missing] = look.missing;
        if (missing !== undefined) throw new MinerError('MODEL_NOT_FOUND', `there is no ${missing}`);
        taken = look;
        const copy = await copyModel(look, copiesFolder, signal).catch((error: unknown) =>
          asMinerError(error, 'MODEL_COPY_FAILED'),
        );
        const still = !signal.aborted && (await lookAtModel(modelPath, look)).mark === look.mark;
        if (still && !(copy instanceof MinerError)) return copy;
        if (!(copy instanceof MinerError)) await copy.remove();
        signal.throwIfAborted();
        if (still) throw copy;
        logger.debug({ modelPath }, 'model files changed while they were copied');
        await sleep(pauseMs, undefined, { signal });
      }
    },
  };
}
