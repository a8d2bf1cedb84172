import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type AnsweringEngine, createAnswerer } from '../../answering/answerer.ts';
import { systemClock } from '../../clock.ts';
import { concurrencyOn } from '../../config/concurrency.ts';
import { asMinerError } from '../../errors.ts';
import { decodeFloat16 } from '../../inference/child/float16.ts';
import type { Task } from '../../inference/contract/model-json.ts';
import type { EngineInput, Prediction } from '../../inference/engine.ts';
import type { PictureDecoder } from '../../media/pictures/picture-decoder.ts';
import type { TemporaryFolder } from '../../state/temporary-file.ts';
import { startRecord } from '../../telemetry/request-record.ts';
import type { Answered } from '../child-protocol.ts';
import type { InspectedModel } from '../inspected-model.ts';
import type { AnswerReport } from '../report.ts';

/** A picture or clip that was named on the command line. */
export interface MediaFile {
  /** As it was named. */
  readonly name: string;
  read(): Promise<Buffer>;
}

/** An answer, with the masks for the page. */
export interface AnsweredFile {
  readonly report: AnswerReport;
  readonly mask:
    | {
        /** As it goes on the wire: little-endian float16. */
        readonly answered: Buffer;
        /** The same mask before it is cut at the threshold. */
        readonly confidences: Buffer;
        readonly width: number;
        readonly height: number;
      }
    | undefined;
}

interface AnswerOptions {
  readonly model: InspectedModel;
  readonly pictures: PictureDecoder;
  readonly temporary: TemporaryFolder;
  readonly signal: AbortSignal;
}

/** Longer than a validator waits: the answer is wanted even if this machine is too slow. */
const TIME_LIMIT_MS = 120_000;
const CLASSES = ['real', 'synthetic', 'semisynthetic'] as const;

/**
 * What the miner would answer to each file. It uses the miner's own code from the bytes to the answer. If the miner would
 * refuse a file, the refusal is the answer.
 * @throws the signal's reason once it is aborted
 */
export async function* answerFiles(
  files: readonly MediaFile[],
  { model, pictures, temporary, signal }: AnswerOptions,
): AsyncGenerator<AnsweredFile> {
  const { task } = model.loaded.contract;
  const parts = { task, engine: createInspectionEngine(model), pictures, temporary, signal };
  for (const file of files) {
    yield await answerFile(file, parts).catch((error: unknown) => {
      signal.throwIfAborted();
      const { code, message } = asMinerError(error, 'INTERNAL');
      return { report: { kind: 'error', file: file.name, code, message } as const, mask: undefined };
    });
  }
}

/** An engine as the miner's own answering needs it; it keeps what the model gave for the latest request. */
interface InspectionEngine extends AnsweringEngine {
  /** Undefined before the first request. */
  readonly latest: { readonly answered: Answered; readonly size: EngineInput['sourceSize'] } | undefined;
}

/** Puts requests to the inspected model, one after the other. It does not end the model. */
function createInspectionEngine({ loaded, ask }: InspectedModel): InspectionEngine {
  const { contract } = loaded;
  let latest: InspectionEngine['latest'];
  const infer = async ({ frames, sourceSize }: EngineInput): Promise<Prediction> => {
    const { data: pixels, count, height, width } = frames;
    const answered = await ask({ pixels, count, height, width, sourceSize });
    latest = { answered, size: sourceSize };
    const { answer } = answered;
    if (answer.kind === 'probabilities') return answer;
    return { kind: 'mask', float16le: Buffer.from(answer.bytes), ...sourceSize };
  };
  return {
    get latest() {
      return latest;
    },
    state: 'ready',
    use: (work) => work({ contract, infer }),
  };
}

interface AnswerParts extends Omit<AnswerOptions, 'model'> {
  readonly task: Task;
  readonly engine: InspectionEngine;
}

async function answerFile(
  { name, read }: MediaFile,
  { task, engine, pictures, temporary, signal }: AnswerParts,
): Promise<AnsweredFile> {
  const bytes = await read();
  const copy = await temporary.create(bytes.length);
  try {
    const record = startRecord(task, '', systemClock);
    const endsAtMs = systemClock.monotonic() + TIME_LIMIT_MS;
    const body = {
      sha256Hex: createHash('sha256').update(bytes).digest('hex'),
      length: bytes.length,
      bytes: async () => bytes,
      async file() {
        await copy.append(bytes);
        return copy.path;
      },
      remove: async () => undefined,
    };
    const deadline = {
      remainingMs: () => endsAtMs - systemClock.monotonic(),
      signal,
      cancel: () => undefined,
      dispose: () => undefined,
    };
    const { clipThreads } = concurrencyOn(availableParallelism());
    const answerer = createAnswerer({ engines: { [task]: engine }, pictures, clipThreads });
    const room = { charge: () => undefined };
    const prediction = await answerer.answer(task, body, { deadline, record, room });
    const { stepsMs } = record.finish(200, 'OK');
    return describe(name, prediction, engine, stepsMs.decode ?? 0);
  } finally {
    await copy.remove();
  }
}

function describe(
  file: string,
  prediction: Prediction,
  { latest }: InspectionEngine,
  decodeMs: number,
): AnsweredFile {
  if (latest === undefined) throw new Error('the model was not asked');
  const { answered: said, size } = latest;
  const { height, width } = size;
  const common = { file, width, height, decodeMs, modelMs: said.answerMs, raw: said.raw };
  if (prediction.kind === 'probabilities') {
    const [real, synthetic, semisynthetic] = prediction.values;
    const largest = prediction.values.indexOf(Math.max(...prediction.values));
    return {
      report: {
        ...common,
        kind: 'probabilities',
        probabilities: { real, synthetic, semisynthetic },
        class: CLASSES[largest] ?? 'real',
      },
      mask: undefined,
    };
  }
  const answered = prediction.float16le;
  const confidences = Buffer.from(said.confidences ?? answered);
  return {
    report: {
      ...common,
      kind: 'mask',
      markedShare: summarise(answered, (value) => (value > 0.5 ? 1 : 0)).mean,
      meanConfidence: summarise(confidences).mean,
      maxConfidence: summarise(confidences).max,
    },
    mask: { answered, confidences, width, height },
  };
}

/** Of little-endian float16 numbers. */
function summarise(
  bytes: Buffer,
  reading: (value: number) => number = (value) => value,
): { readonly mean: number; readonly max: number } {
  let sum = 0;
  let max = 0;
  for (let offset = 0; offset < bytes.length; offset += 2) {
    const value = reading(decodeFloat16(bytes.readUInt16LE(offset)));
    sum += value;
    max = Math.max(max, value);
  }
  return { mean: sum / (bytes.length / 2), max };
}
