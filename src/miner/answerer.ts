import { availableParallelism } from 'node:os';
import type { AnswerContext, Answerer, Pictures } from '../axon/answerer.ts';
import type { ReceivedBody } from '../axon/body-sink.ts';
import type { Task } from '../inference/contract/model-json.ts';
import { detect } from '../inference/detector.ts';
import type { Engine, EngineInput, EngineStatus, HeldModel, Prediction } from '../inference/engine.ts';
import { maskBytes, segment } from '../inference/segmenter.ts';
import { NATIVE_LIMIT_PIXELS } from '../inference/worker/runner.ts';
import { sampleVideo } from '../media/clips/video.ts';
import { IMAGE_PIXELS_LIMIT, MASK_PIXELS_LIMIT } from '../media/limits.ts';
import type { PictureDecoder } from '../media/pictures/picture-decoder.ts';
import { samplePictures } from '../media/pictures/picture-sequence.ts';

/** The models of a miner, by what they answer. A model may be shared by several miners. */
export type Engines = Readonly<Partial<Record<Task, Engine>>>;

/** All that is needed of an engine to answer by it. */
export type AnsweringEngine = Pick<Engine, 'use'> & { status(): Pick<EngineStatus, 'state'> };

/**
 * Threads of one video decoder. More of them cost no more CPU time (a clip of 91 MB took 9.1 CPU-seconds with one and
 * with two, and half the wall time with two), so a lone clip may use the cores that a burst would share.
 */
export const MAX_DECODER_THREADS = 4;

interface AnswererParts {
  readonly engines: Readonly<Partial<Record<Task, AnsweringEngine>>>;
  readonly pictures: PictureDecoder;
}

/** Decodes bodies as the models' contracts ask and puts them to the models. */
export function createAnswerer({ engines, pictures }: AnswererParts): Answerer {
  const threads = Math.min(MAX_DECODER_THREADS, availableParallelism());

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
            threads,
            timeLimitMs: deadline.remainingMs(),
          });
    return { frames, contentHash: media.sha256Hex, sourceSize: clip };
  }

  return {
    tasks: (['image', 'video', 'mask'] as const).filter((task) => engines[task] !== undefined),
    isWarm: (task) =>
      engines[task]?.status().state === 'ready' || engines[task]?.status().state === 'restarting',
    async answer(task, media, context): Promise<Prediction> {
      const { deadline, record, room } = context;
      const pixelsLimit = task === 'mask' ? MASK_PIXELS_LIMIT : IMAGE_PIXELS_LIMIT;
      // Held over both steps: pixels that were made for one model are not put to another.
      return engineOf(task).use(async (model) => {
        const input = await record.step('decode', () =>
          task === 'video'
            ? decodeClip(model, media, context)
            : decodePicture(model, media, { signal: deadline.signal, pixelsLimit }),
        );
        if (task === 'mask') room.charge(maskBytes(input.sourceSize));
        const options = { deadline, priority: 0 };
        return record.step('infer', async () =>
          task === 'mask'
            ? segment(model, input, options)
            : { kind: 'probabilities', values: await detect(model, input, options) },
        );
      });
    },
  };
}
