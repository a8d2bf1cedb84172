import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { asMinerError, MinerError } from '../errors.ts';
import type { RgbFrames } from '../media/frames.ts';
import type {
  ChildMessage,
  ChildPrediction,
  LoadMessage,
  ParentMessage,
  ReadyMessage,
  RunMessage,
} from './child-protocol.ts';
import {
  chooseOutput,
  classCount,
  type InputContract,
  type ModelContract,
  maskSize,
  mergeInput,
  mergeOutput,
  parseModelJson,
} from './contract.ts';
import { encodeMask } from './mask.ts';
import { readPayload, writeResult } from './pixel-transfer.ts';
import { averageProbabilities, type ClassProbabilities, toProbabilities } from './probabilities.ts';
import { countNodesByProvider } from './provider-profile.ts';
import { readFloats, toInputTensor } from './tensors.ts';

// Where there is a Float16Array (Node 24), ONNX Runtime makes float16 tensors of it, which its native part does not
// know: it sees no data. Without one it takes the bits in a Uint16Array. It looks when the first tensor is made.
Reflect.deleteProperty(globalThis, 'Float16Array');

/**
 * The process that runs a model. ONNX Runtime blocks the event loop while it runs and can take its process with it
 * when it fails, so it lives here and not in the miner. It speaks the messages of child-protocol.ts.
 */

interface RawOutput {
  readonly values: ArrayLike<number>;
  readonly shape: readonly number[];
}

interface Model {
  readonly contract: ModelContract;
  readonly provider: 'cpu' | 'cuda';
  predict(frames: RgbFrames, sourceSize: RunMessage['sourceSize']): Promise<Answer>;
}

type Answer =
  | { readonly kind: 'probabilities'; readonly values: ClassProbabilities }
  | { readonly kind: 'mask'; readonly bytes: Buffer };

/** Side of the warm-up picture where the model takes any: a multiple of the strides that models commonly have. */
const NATIVE_WARMUP_EDGE = 256;
const GREY = 128;
const CUDA_PROVIDER = 'CUDAExecutionProvider';

function send(message: ChildMessage): void {
  process.send?.(message);
}

async function load(
  message: LoadMessage,
): Promise<{ readonly model: Model; readonly ready: Omit<ReadyMessage, 'type' | 'contract' | 'provider'> }> {
  const { modelPath, task, device, scratchPrefix } = message;
  const onnxPath = locateModel(modelPath);
  const jsonPath = join(dirname(onnxPath), 'model.json');
  const json = existsSync(jsonPath) ? parseModelJson(readFileSync(jsonPath, 'utf8')) : undefined;
  const { session, cudaFailure } = await openSession(onnxPath, message);
  const input = mergeInput(json, task, session.inputMetadata.map(requireTensor));
  const outputName = chooseOutput(json, session.outputNames);
  const warmupFrames = greyFrames(input);
  const first = await warmUp(() => run(session, input, outputName, warmupFrames));
  session.endProfiling();
  const nodesByProvider = takeProfile(scratchPrefix);
  const provider = (nodesByProvider[CUDA_PROVIDER] ?? 0) > 0 ? 'cuda' : 'cpu';
  const unused = device !== 'cpu' && provider === 'cpu' ? 'no part of the model ran on CUDA' : undefined;
  if (device === 'cuda' && unused !== undefined) throw cudaUnavailable(unused);
  const batch = input.layout.includes('T') ? 1 : warmupFrames.count;
  const output = mergeOutput(json, task, { name: outputName, shape: first.shape }, batch);
  const contract: ModelContract = { task, input, output };
  const predict = async (frames: RgbFrames, sourceSize: RunMessage['sourceSize']): Promise<Answer> => {
    const predictions: ClassProbabilities[] = [];
    for (let start = 0; start < frames.count; start += input.framesPerRun) {
      const chunk = sliceFrames(frames, start, input.framesPerRun);
      const { values, shape } = await run(session, input, outputName, chunk);
      if (output.kind === 'mask') {
        return { kind: 'mask', bytes: encodeMask(values, maskSize(shape), sourceSize, output) };
      }
      const rows = input.layout.includes('T') ? 1 : chunk.count;
      const width = classCount(shape, rows);
      for (let row = 0; row < rows; row += 1) {
        const numbers = Array.from(
          { length: width },
          (_, index) => values[row * width + index] ?? Number.NaN,
        );
        predictions.push(toProbabilities(numbers, output));
      }
    }
    return { kind: 'probabilities', values: averageProbabilities(predictions) };
  };
  const startedAt = performance.now();
  await warmUp(() => predict(greyFrames(input, input.frames), warmupFrames));
  const runMs = performance.now() - startedAt;
  const reason = cudaFailure ?? unused;
  return {
    model: { contract, provider, predict },
    ready: { nodesByProvider, runMs, ...(reason === undefined ? {} : { cudaFailure: reason }) },
  };
}

function locateModel(modelPath: string): string {
  if (!existsSync(modelPath)) throw new MinerError('MODEL_NOT_FOUND', `there is no ${modelPath}`);
  const onnxPath = statSync(modelPath).isDirectory() ? join(modelPath, 'model.onnx') : modelPath;
  if (!existsSync(onnxPath)) throw new MinerError('MODEL_NOT_FOUND', `there is no ${onnxPath}`);
  return onnxPath;
}

async function openSession(
  onnxPath: string,
  { device, threads, scratchPrefix }: LoadMessage,
): Promise<{ readonly session: InferenceSession; readonly cudaFailure?: string }> {
  const open = (provider: 'cpu' | 'cuda'): Promise<InferenceSession> =>
    InferenceSession.create(onnxPath, {
      executionProviders: [provider],
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      intraOpNumThreads: threads,
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: scratchPrefix,
    });
  const openOnCpu = async (): Promise<InferenceSession> => {
    try {
      return await open('cpu');
    } catch (error) {
      throw new MinerError('MODEL_INVALID', `ONNX Runtime cannot load ${onnxPath}: ${messageOf(error)}`);
    }
  };
  if (device === 'cpu') return { session: await openOnCpu() };
  try {
    return { session: await open('cuda') };
  } catch (error) {
    // Only where the same file loads on the CPU is it CUDA that is at fault.
    const session = await openOnCpu();
    if (device === 'cuda') throw cudaUnavailable(messageOf(error));
    return { session, cudaFailure: messageOf(error) };
  }
}

function cudaUnavailable(reason: string): MinerError {
  return new MinerError(
    'MODEL_DEVICE_UNAVAILABLE',
    `DEVICE=cuda cannot be had: ${reason}; it needs an NVIDIA driver (nvidia-smi shows it) and the CUDA library of ` +
      'ONNX Runtime, which ./setup.sh --cuda downloads',
  );
}

function requireTensor(metadata: InferenceSession.ValueMetadata): InferenceSession.TensorValueMetadata {
  if (!metadata.isTensor)
    throw new MinerError('MODEL_INVALID', `the ONNX input ${metadata.name} is no tensor`);
  return metadata;
}

async function run(
  session: InferenceSession,
  input: InputContract,
  outputName: string,
  frames: RgbFrames,
): Promise<RawOutput> {
  const { dtype, data, dimensions } = toInputTensor(frames, input);
  const outputs = await session.run({ [input.name]: new Tensor(dtype, data, dimensions) }, [outputName]);
  const output = outputs[outputName];
  const values = output === undefined ? undefined : readFloats(output.type, output.data);
  if (output === undefined || values === undefined) {
    throw new MinerError(
      'MODEL_INVALID',
      `the ONNX output ${outputName} is ${output?.type ?? 'absent'}, not float`,
    );
  }
  return { values, shape: output.dims };
}

/** A model that cannot answer a grey picture will not be able to answer any. */
async function warmUp<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof MinerError && error.code === 'MODEL_INVALID') throw error;
    throw new MinerError('MODEL_INVALID', `the model fails on a grey picture: ${messageOf(error)}`);
  }
}

function greyFrames({ fit, framesPerRun }: InputContract, count = framesPerRun): RgbFrames {
  const height = fit.mode === 'native' ? NATIVE_WARMUP_EDGE : fit.height;
  const width = fit.mode === 'native' ? NATIVE_WARMUP_EDGE : fit.width;
  return { data: Buffer.alloc(count * height * width * 3, GREY), count, height, width };
}

function sliceFrames({ data, count, height, width }: RgbFrames, start: number, length: number): RgbFrames {
  const end = Math.min(count, start + length);
  const frameBytes = height * width * 3;
  return { data: data.subarray(start * frameBytes, end * frameBytes), count: end - start, height, width };
}

/** Reads and removes the profile of the first run; ONNX Runtime adds the time to the name of the file. */
function takeProfile(prefix: string): Record<string, number> {
  const folder = dirname(prefix);
  const counts: Record<string, number> = {};
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(basename(prefix)))) {
    const path = join(folder, name);
    Object.assign(counts, countNodesByProvider(readFileSync(path, 'utf8')));
    rmSync(path);
  }
  return counts;
}

async function answer(model: Model, message: RunMessage): Promise<void> {
  const startedAt = performance.now();
  try {
    const { count, height, width, sourceSize, resultFile } = message;
    const frames = { data: readPayload(message.pixels), count, height, width };
    const predicted = await model.predict(frames, sourceSize);
    const prediction: ChildPrediction =
      predicted.kind === 'mask'
        ? { kind: 'mask', float16le: writeResult(predicted.bytes, resultFile) }
        : predicted;
    send({ type: 'result', prediction, runMs: performance.now() - startedAt });
  } catch (error) {
    const { code, message: text } = asMinerError(error, 'INFERENCE_FAILED');
    // A model that was fit at its warm-up and gives another shape now has failed on this input.
    send({ type: 'failed', code: code === 'MODEL_INVALID' ? 'INFERENCE_FAILED' : code, message: text });
    // An error of CUDA stays with the process that met it; a fresh one starts with a clean device.
    if (model.provider === 'cuda' && !(error instanceof MinerError)) process.disconnect();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where memory runs out, the kernel had better end the model, which is replaced, than the miner. */
function volunteerForOutOfMemory(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // Not Linux, or not allowed: then the kernel chooses by itself.
  }
}

function main(): void {
  // A terminal sends Ctrl-C, and pm2 its signal, to all processes at once: the miner ends its children itself,
  // after what was admitted is answered.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('disconnect', () => process.exit());
  volunteerForOutOfMemory();
  let loaded: Model | undefined;
  process.on('message', async (message: ParentMessage) => {
    if (message.type === 'run') {
      if (loaded !== undefined) await answer(loaded, message);
      return;
    }
    try {
      const { model, ready } = await load(message);
      loaded = model;
      send({ type: 'ready', contract: model.contract, provider: model.provider, ...ready });
    } catch (error) {
      const { code, message: text } = asMinerError(error, 'MODEL_INVALID');
      send({ type: 'refused', code, message: text });
    }
  });
}

main();
