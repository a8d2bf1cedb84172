// Answers verified media: decodes it as the model's contract asks, and gives it to the model.
// The miner and `inspect` use it alike.
import type { AnswerAccount } from '../admission/answer-budget.ts';
import type { Deadline } from '../admission/deadline.ts';
import { MinerError } from '../errors.ts';
import { type ClassProbabilities, NATIVE_LIMIT_PIXELS } from '../inference/contract/contract.ts';
import type { Task } from '../inference/contract/model-json.ts';
import type { Engine, EngineInput, HeldModel, InferOptions, Prediction } from '../inference/engine.ts';
import { sampleVideo } from '../media/clips/video.ts';
import { IMAGE_PIXELS_LIMIT, MASK_PIXELS_LIMIT } from '../media/limits.ts';
import type { PictureDecoder } from '../media/pictures/picture-decoder.ts';
import { samplePictures } from '../media/pictures/picture-sequence.ts';
import type { RecordBuilder } from '../telemetry/request-record.ts';

/** A whole body, in memory or in a private file. */
export interface ReceivedBody {
  readonly sha256Hex: string;
  readonly length: number;
  /** The bytes, from memory or from the file. */
  bytes(): Promise<Buffer>;
  /** The path of a file with the bytes, which is made if they were in memory. */
  file(): Promise<string>;
  /** Removes the file, if there is one. */
  remove(): Promise<void>;
}

/** Media out of a body: one picture, or the frames of a clip in their order, a file each. */
export interface Pictures {
  /** Names the content, however it was wrapped; for one picture the hash of its file. */
  readonly sha256Hex: string;
  readonly pictures: readonly Buffer[];
}

export interface Answerer {
  /** The tasks of this miner's type. */
  readonly tasks: readonly Task[];
  /** Whether the model of the task is loaded and warm. */
  isWarm(task: Task): boolean;
  /**
   * Decodes the media and gives it to the model.
   * @param media a body that is the file itself, or the pictures out of a body
   * @throws MinerError MEDIA_*, INFERENCE_*, AXON_BUSY (no room for the answer) or ADMISSION_DEADLINE
   */
  answer(task: Task, media: ReceivedBody | Pictures, context: AnswerContext): Promise<Prediction>;
}

export interface AnswerContext {
  readonly deadline: Deadline;
  readonly record: RecordBuilder;
  /** Charged with a large answer before it is made. */
  readonly room: Pick<AnswerAccount, 'charge'>;
  /** Called when a clip is decoded and only has to wait for the model. */
  readonly onClipDecoded?: () => void;
}

/** @throws MinerError MODEL_WARMING */
export function assertWarm(answerer: Answerer, task: Task): void {
  if (!answerer.isWarm(task)) throw new MinerError('MODEL_WARMING', 'the model is still loading');
}

/** The models of a miner, by task. */
export type Engines = Readonly<Partial<Record<Task, Engine>>>;

/** What answering needs of an engine. */
export type AnsweringEngine = Pick<Engine, 'use' | 'state'>;

/** How far the sum of probabilities may be from 1. */
const SUM_TOLERANCE = 1e-9;
/** A mask is float16. */
const MASK_BYTES_PER_PIXEL = 2;

interface AnswererParts {
  readonly engines: Readonly<Partial<Record<Task, AnsweringEngine>>>;
  readonly pictures: PictureDecoder;
  /** Threads of one clip's decoder. */
  readonly clipThreads: number;
}

export function createAnswerer({ engines, pictures, clipThreads }: AnswererParts): Answerer {
  function engineOf(task: Task): AnsweringEngine {
    const engine = engines[task];
    if (engine === undefined) throw new Error(`no engine for task ${task}`);
    return engine;
  }

  async function decodePicture(
    { contract }: HeldModel,
    media: ReceivedBody | Pictures,
    limits: { readonly signal: AbortSignal; readonly pixelsLimit: number },
  ): Promise<EngineInput> {
    const bytes = 'pictures' in media ? media.pictures[0] : await media.bytes();
    const { fit } = contract.input;
    const pixelsLimit =
      fit.mode === 'native' ? Math.min(limits.pixelsLimit, NATIVE_LIMIT_PIXELS) : limits.pixelsLimit;
    const wanted = { fit, signal: limits.signal, pixelsLimit };
    const { frames, source } = await pictures.decode(bytes ?? Buffer.alloc(0), wanted);
    return { frames, contentHash: media.sha256Hex, sourceSize: source };
  }

  async function decodeClip(
    { contract }: HeldModel,
    media: ReceivedBody | Pictures,
    { deadline }: AnswerContext,
  ): Promise<EngineInput> {
    const { frames: count, frameStride, fit } = contract.input;
    const wanted = { frames: count, frameStride, fit, signal: deadline.signal };
    const { frames, clip } =
      'pictures' in media
        ? await samplePictures(media.pictures, { ...wanted, decoder: pictures })
        : await sampleVideo(await media.file(), {
            ...wanted,
            threads: clipThreads,
            timeLimitMs: deadline.remainingMs(),
          });
    return { frames, contentHash: media.sha256Hex, sourceSize: clip };
  }

  return {
    tasks: (['image', 'video', 'mask'] as const).filter((task) => engines[task] !== undefined),
    isWarm: (task) => engines[task]?.state === 'ready' || engines[task]?.state === 'restarting',
    async answer(task, media, context): Promise<Prediction> {
      const { deadline, record, room, onClipDecoded } = context;
      const pixelsLimit = task === 'mask' ? MASK_PIXELS_LIMIT : IMAGE_PIXELS_LIMIT;
      // One model is held over both steps: pixels that were made for it must not go to another.
      return engineOf(task).use(async (model) => {
        const input = await record.step('decode', () =>
          task === 'video'
            ? decodeClip(model, media, context)
            : decodePicture(model, media, { signal: deadline.signal, pixelsLimit }),
        );
        if (task === 'video') onClipDecoded?.();
        if (task === 'mask') room.charge(maskBytes(input.sourceSize));
        const options = { deadline };
        return record.step('infer', async () =>
          task === 'mask'
            ? segment(model, input, options)
            : { kind: 'probabilities', values: await detect(model, input, options) },
        );
      });
    },
  };
}

/**
 * How likely a picture or clip is real, synthetic and semisynthetic, as it goes on the wire: three numbers from 0 to 1
 * whose sum is 1. A validator refuses any other vector.
 * @param model a model whose task is `image` or `video`
 * @throws MinerError INFERENCE_FAILED if the model answers anything else, and what `infer` throws
 */
export async function detect(
  model: Pick<HeldModel, 'infer'>,
  input: EngineInput,
  options: InferOptions,
): Promise<ClassProbabilities> {
  const prediction = await model.infer(input, options);
  if (prediction.kind !== 'probabilities') {
    throw new MinerError('INFERENCE_FAILED', `a detector's model answered with a ${prediction.kind}`);
  }
  const { values } = prediction;
  const sum = values.reduce((total, value) => total + value, 0);
  const proper = values.length === 3 && values.every((value) => value >= 0 && value <= 1);
  if (!proper || !(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    throw new MinerError('INFERENCE_FAILED', `the model answered [${values.join(', ')}]`);
  }
  return values;
}

/** Bytes of the mask for a picture of that size. */
export function maskBytes({ height, width }: EngineInput['sourceSize']): number {
  return height * width * MASK_BYTES_PER_PIXEL;
}

/**
 * Which pixels of a picture were altered, as it goes on the wire: little-endian float16, row-major, exactly of the
 * picture's size. A validator refuses any other number of bytes.
 * @param model a model whose task is `mask`
 * @throws MinerError INFERENCE_FAILED if the model answers anything else, and what `infer` throws
 */
export async function segment(
  model: Pick<HeldModel, 'infer'>,
  input: EngineInput,
  options: InferOptions,
): Promise<Extract<Prediction, { kind: 'mask' }>> {
  const prediction = await model.infer(input, options);
  if (prediction.kind !== 'mask') {
    throw new MinerError('INFERENCE_FAILED', `a segmenter's model answered with ${prediction.kind}`);
  }
  const { height, width } = input.sourceSize;
  if (
    prediction.height !== height ||
    prediction.width !== width ||
    prediction.float16le.length !== maskBytes({ height, width })
  ) {
    throw new MinerError(
      'INFERENCE_FAILED',
      `the mask is ${prediction.height} × ${prediction.width} for a picture of ${height} × ${width}`,
    );
  }
  return prediction;
}
