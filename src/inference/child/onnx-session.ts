import { InferenceSession, Tensor } from 'onnxruntime-node';
import { MinerError } from '../../errors.ts';
import type { RgbFrames } from '../../media/frames.ts';
import type { InputContract } from '../contract/contract.ts';
import { unusable } from '../contract/refusals.ts';
import type { LoadMessage } from '../worker/messages.ts';
import { loadFailure, runtimeWords } from './load-failure.ts';
import { readFloats, toInputTensor } from './tensors.ts';

// Where there is a Float16Array (Node 24), ONNX Runtime makes float16 tensors of it, which its native part does not
// know: it sees no data. Without one it takes the bits in a Uint16Array. It looks when the first tensor is made.
Reflect.deleteProperty(globalThis, 'Float16Array');

interface OpenedSession {
  readonly session: InferenceSession;
  /** Why CUDA isn't used although it was to be tried. */
  readonly cudaFailure?: string;
}

/** What a run gave. */
export interface RawOutput {
  readonly values: ArrayLike<number>;
  readonly shape: readonly number[];
}

/**
 * Opens an ONNX file on the device asked for, with a profile of its operations begun.
 * @throws MinerError MODEL_UNREADABLE where ONNX Runtime cannot load the file, MODEL_DEVICE_UNAVAILABLE
 */
export async function openSession(
  onnxPath: string,
  { device, threads, scratchPrefix }: Pick<LoadMessage, 'device' | 'threads' | 'scratchPrefix'>,
): Promise<OpenedSession> {
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
      throw loadFailure(onnxPath, error);
    }
  };
  if (device === 'cpu') return { session: await openOnCpu() };
  try {
    return { session: await open('cuda') };
  } catch (error) {
    // Only where the same file loads on the CPU is it CUDA that is at fault.
    const session = await openOnCpu();
    if (device === 'cuda') throw cudaUnavailable(runtimeWords(error));
    return { session, cudaFailure: runtimeWords(error) };
  }
}

/**
 * One run of a model.
 * @param outputName of the output that is the answer
 * @throws MinerError MODEL_INVALID for an output that is not of floats; an Error in the words of ONNX Runtime
 */
export async function runSession(
  session: InferenceSession,
  input: InputContract,
  outputName: string,
  frames: RgbFrames,
): Promise<RawOutput> {
  const { dtype, data, dimensions } = toInputTensor(frames, input);
  const feeds = { [input.name]: new Tensor(dtype, data, dimensions) };
  const outputs = await session.run(feeds, [outputName]).catch((error: unknown) => {
    throw new Error(runtimeWords(error), { cause: error });
  });
  const output = outputs[outputName];
  const values = output === undefined ? undefined : readFloats(output.type, output.data);
  if (output === undefined || values === undefined) {
    throw unusable(`the ONNX output ${outputName} is ${output?.type ?? 'absent'}: export it as floats`);
  }
  return { values, shape: output.dims };
}

export function cudaUnavailable(reason: string): MinerError {
  return new MinerError(
    'MODEL_DEVICE_UNAVAILABLE',
    `DEVICE=cuda cannot be had: ${reason}; it needs an NVIDIA driver (nvidia-smi shows it) and the CUDA library of ` +
      'ONNX Runtime, which ./setup.sh --cuda downloads',
  );
}
