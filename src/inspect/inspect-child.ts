import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { WarmModel } from '../inference/child/load-model.ts';
import { predict } from '../inference/child/predict.ts';
import { serveModel } from '../inference/child/serve.ts';
import { toInputTensor } from '../inference/child/tensors.ts';
import type { InputContract, ModelContract } from '../inference/contract/contract.ts';
import type { RgbFrames } from '../media/frames.ts';
import type { Answered, AskMessage, Measured, MeasureMessage, RawNumbers, Size } from './child-protocol.ts';

/** The process that inspects a model: it loads the model as the miner's process does, then measures it and answers. */

/** Size of pictures and frames for a model that takes any size. */
const NATIVE_SIZE = { height: 1024, width: 1024 };
const UNTIMED_RUNS = 1;
const BYTES_PER_KIB = 1024;
/** Before a model is loaded. */
const BASELINE_RSS_BYTES = process.memoryUsage.rss();

async function measure({ session, contract }: WarmModel, message: MeasureMessage): Promise<Measured> {
  const { what, runs, limitMs } = message;
  const { input, output } = contract;
  const run =
    'batch' in what
      ? prepareBatch(session, input, output.name, what.batch)
      : prepareAnswer(session, contract, what.answer.sourceSize);
  const timesMs: number[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < runs + UNTIMED_RUNS; index += 1) {
    const runStartedAt = performance.now();
    await run();
    if (index >= UNTIMED_RUNS) timesMs.push(performance.now() - runStartedAt);
    if (timesMs.length > 0 && performance.now() - startedAt > limitMs) break;
  }
  return { timesMs, baselineRssBytes: BASELINE_RSS_BYTES, peakRssBytes: peakRssBytes() };
}

function prepareAnswer(
  session: InferenceSession,
  contract: ModelContract,
  sourceSize: Size,
): () => Promise<unknown> {
  const { input } = contract;
  // A picture in native size has the size of its source; clips are limited in all, so their frames are smaller.
  const frames = randomFrames(input, input.frames, input.frames === 1 ? sourceSize : NATIVE_SIZE);
  return () => predict(session, contract, frames, sourceSize);
}

/** The same picture or clip several times in one tensor, whose first dimension is N in every layout. */
function prepareBatch(
  session: InferenceSession,
  input: InputContract,
  outputName: string,
  batch: number,
): () => Promise<unknown> {
  const frames = input.layout.includes('T') ? input.frames : 1;
  const one = toInputTensor(randomFrames(input, frames, NATIVE_SIZE), input);
  const bytes = Buffer.from(one.data.buffer, one.data.byteOffset, one.data.byteLength);
  const all = Buffer.concat(Array.from({ length: batch }, () => bytes));
  const Elements = one.data.constructor as new (
    buffer: ArrayBufferLike,
    byteOffset: number,
    length: number,
  ) => typeof one.data;
  const data = new Elements(all.buffer, all.byteOffset, one.data.length * batch);
  const tensor = new Tensor(one.dtype, data, [batch, ...one.dimensions.slice(1)]);
  return () => session.run({ [input.name]: tensor }, [outputName]);
}

/** Pixels of noise, so that no operation is faster by chance. */
function randomFrames({ fit }: InputContract, count: number, native: Size): RgbFrames {
  const { height, width } = fit.mode === 'native' ? native : fit;
  return { data: randomFillSync(Buffer.alloc(count * height * width * 3)), count, height, width };
}

async function ask({ session, contract }: WarmModel, message: AskMessage): Promise<Answered> {
  const { pixels, count, height, width, sourceSize } = message;
  const frames = {
    data: Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength),
    count,
    height,
    width,
  };
  const raw: RawNumbers[] = [];
  const startedAt = performance.now();
  const answer = await predict(session, contract, frames, sourceSize, ({ shape, values }) => {
    raw.push({
      shape,
      values: contract.output.kind === 'mask' ? null : Array.from(values),
      ...range(values),
    });
  });
  const answerMs = performance.now() - startedAt;
  const soft = softened(contract);
  const confidences = soft === undefined ? undefined : await predict(session, soft, frames, sourceSize);
  return {
    answer,
    answerMs,
    confidences: confidences?.kind === 'mask' ? confidences.bytes : undefined,
    raw,
  };
}

/** The contract with soft masks, which are not cut at the threshold; undefined for another contract. */
function softened({ output, ...rest }: ModelContract): ModelContract | undefined {
  return output.kind === 'mask' ? { ...rest, output: { ...output, hardness: { mode: 'soft' } } } : undefined;
}

function range(values: ArrayLike<number>): { readonly min: number; readonly max: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index += 1) {
    min = Math.min(min, values[index] ?? Number.NaN);
    max = Math.max(max, values[index] ?? Number.NaN);
  }
  return { min, max };
}

/** On Linux VmHWM is that of this program; getrusage includes the memory of the parent before the program began. */
function peakRssBytes(): number {
  try {
    const kib = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kib !== undefined) return Number(kib) * BYTES_PER_KIB;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * BYTES_PER_KIB;
}

serveModel((model, message: MeasureMessage | AskMessage) =>
  message.type === 'measure' ? measure(model, message) : ask(model, message),
);
