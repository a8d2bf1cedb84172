import { InferenceSession, Tensor } from 'onnxruntime-node';
import { MinerError } from '../../errors.ts';
import type { RgbFrames } from '../../media/frames.ts';
import type { InputContract } from '../contract/contract.ts';
import { unusable } from '../contract/refusals.ts';
import type { LoadMessage } from '../worker/messages.ts';
import { loadFailure, runtimeWords } from './load-failure.ts';
import { readFloats, toInputTensor } from './tensors.ts';

// On Node 24, ONNX Runtime makes float16 tensors of Float16Array, which its native part cannot read. If that class is missing
// when the first tensor is made, it takes the bits in a Uint16Array.
Reflect.deleteProperty(globalThis, 'Float16Array');

interface OpenedSession {
  readonly session: InferenceSession;
  /** Why CUDA is not used although it was tried. */
  readonly cudaFailure?: string;
}

/** The output of one run. */
export interface RawOutput {
  readonly values: ArrayLike<number>;
  readonly shape: readonly number[];
}

/**
 * Opens an ONNX file on a device, and begins a profile of its operations.
 * @throws MinerError MODEL_UNREADABLE if ONNX Runtime cannot load the file, MODEL_DEVICE_UNAVAILABLE
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
    // CUDA is at fault only if the same file loads on the CPU.
    const session = await openOnCpu();
    if (device === 'cuda') throw cudaUnavailable(runtimeWords(error));
    return { session, cudaFailure: runtimeWords(error) };
  }
}

/**
 * One run of a model.
 * @param outputName the output that is the answer
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
    `DEVICE=cuda cannot be used: ${reason}; it needs an NVIDIA driver (nvidia-smi shows it) and the CUDA library of ` +
      'ONNX Runtime, which ./setup.sh --cuda downloads',
  );
}
