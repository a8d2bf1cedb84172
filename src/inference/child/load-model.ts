import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { MinerError } from '../../errors.ts';
import type { RgbFrames } from '../../media/frames.ts';
import {
  type InputContract,
  type ModelContract,
  NATIVE_WARMUP_EDGE,
  type TensorSignature,
} from '../contract/contract.ts';
import { deduceTask } from '../contract/deduce-task.ts';
import { mergeInput } from '../contract/input.ts';
import { createContractLedger } from '../contract/ledger.ts';
import type { ModelJson } from '../contract/model-json.ts';
import { chooseOutput, mergeOutput } from '../contract/output.ts';
import { parseModelJson } from '../contract/parse-model-json.ts';
import { unusable, wrongJson } from '../contract/refusals.ts';
import { locateModel } from '../files/locate-model.ts';
import type { LoadMessage, ModelFacts } from '../worker/messages.ts';
import { cudaUnavailable, openSession, runSession } from './onnx-session.ts';
import { predict } from './predict.ts';
import { takeProfile } from './provider-profile.ts';

/** A model that answered its warm-up, in the process that runs it. */
export interface WarmModel extends ModelFacts {
  readonly session: InferenceSession;
}

const GREYS = [112, 144];
const CUDA_PROVIDER = 'CUDAExecutionProvider';

/**
 * Loads a model, settles its contract, and lets it answer once. A model passes this check when the miner starts, when its
 * files change, and when it is inspected. Call it in a process of its own: ONNX Runtime blocks the event loop.
 * @throws MinerError MODEL_* if the model cannot be used, with the reason and the remedy
 */
export async function loadModel(options: Omit<LoadMessage, 'type'>): Promise<WarmModel> {
  const onnxPath = locateModel(options.modelPath);
  const { device, scratchPrefix, profiledRuns = 1 } = options;
  const json = readModelJson(join(dirname(onnxPath), 'model.json'));
  const { session, cudaFailure } = await openSession(onnxPath, options);
  const inputs = session.inputMetadata.map(requireTensor);
  const { task, reason: taskReason } =
    options.task === undefined
      ? deduceTask(json, inputs, session.outputMetadata.filter(isTensor))
      : { task: options.task };
  const ledger = createContractLedger();
  const input = mergeInput(json, task, inputs, ledger);
  const outputName = chooseOutput(json, session.outputNames, ledger);
  const frames = firstFrames(input, input.framesPerRun);
  const first = await warmUp(frames, () => runSession(session, input, outputName, frames));
  requireFinite(first.values);
  for (let run = 1; run < profiledRuns; run += 1) await runSession(session, input, outputName, frames);
  session.endProfiling();
  const useByProvider = takeProfile(scratchPrefix);
  const provider = CUDA_PROVIDER in useByProvider ? 'cuda' : 'cpu';
  const unused = device !== 'cpu' && provider === 'cpu' ? 'no part of the model ran on CUDA' : undefined;
  if (device === 'cuda' && unused !== undefined) throw cudaUnavailable(unused);
  const batch = input.layout.includes('T') ? 1 : frames.count;
  const output = mergeOutput(json, task, { name: outputName, shape: first.shape, batch }, ledger);
  const contract: ModelContract = { task, input, output, origins: ledger.origins };
  const startedAt = performance.now();
  await warmUp(frames, () => predict(session, contract, firstFrames(input, input.frames), frames));
  const runMs = performance.now() - startedAt;
  const reason = cudaFailure ?? unused;
  return {
    session,
    inputs: session.inputMetadata.map(toSignature),
    outputs: session.outputMetadata.map(toSignature),
    contract,
    provider,
    useByProvider,
    runMs,
    ...(taskReason === undefined ? {} : { taskReason }),
    ...(reason === undefined ? {} : { cudaFailure: reason }),
  };
}

function readModelJson(path: string): ModelJson | undefined {
  if (!existsSync(path)) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw wrongJson(`model.json cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseModelJson(text);
}

function toSignature(metadata: InferenceSession.ValueMetadata): TensorSignature {
  return isTensor(metadata) ? metadata : { name: metadata.name, type: 'no tensor', shape: [] };
}

function isTensor(
  metadata: InferenceSession.ValueMetadata,
): metadata is InferenceSession.TensorValueMetadata {
  return metadata.isTensor;
}

function requireTensor(metadata: InferenceSession.ValueMetadata): InferenceSession.TensorValueMetadata {
  if (!isTensor(metadata)) throw unusable(`the ONNX input ${metadata.name} is no tensor`);
  return metadata;
}

/** A model that fails on its first picture would fail on every picture. */
async function warmUp<T>({ height, width }: RgbFrames, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof MinerError && error.code.startsWith('MODEL_')) throw error;
    const picture = `its first picture, a grey pattern of ${height} × ${width}`;
    throw new MinerError(
      'MODEL_ANSWER_INVALID',
      error instanceof MinerError
        ? `the model's answer to ${picture}, cannot be used: ${error.message}`
        : `the model fails on ${picture}; if it takes another size, set input.size in model.json ` +
            `(ONNX Runtime: ${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

function requireFinite(values: ArrayLike<number>): void {
  for (let index = 0; index < values.length; index += 1) {
    if (Number.isFinite(values[index])) continue;
    throw new MinerError(
      'MODEL_ANSWER_INVALID',
      `the model answers its first picture with ${values[index]}: its weights probably hold NaN or infinity, ` +
        'because the training diverged or a conversion to float16 overflowed; repair the weights and export it again',
    );
  }
}

/**
 * Neighbouring samples differ, also within a channel: a model may divide by the contrast of a picture, and a flat picture
 * has none.
 */
function firstFrames({ fit }: InputContract, count: number): RgbFrames {
  const height = fit.mode === 'native' ? NATIVE_WARMUP_EDGE : fit.height;
  const width = fit.mode === 'native' ? NATIVE_WARMUP_EDGE : fit.width;
  const data = Buffer.alloc(count * height * width * 3, Buffer.from(GREYS));
  return { data, count, height, width };
}
