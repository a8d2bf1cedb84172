import type { ErrorCode } from '../../errors.ts';
import type { ClassProbabilities, ModelContract, TensorSignature } from '../contract/contract.ts';
import type { Task } from '../contract/model-json.ts';
import type { Device } from '../engine.ts';
import type { Payload } from './pixel-transfer.ts';

/** What a parent and the process of a model say to each other: one message, then one answer. */

/** The answer to every message. */
export type ChildAnswer<Result> =
  | { readonly result: Result }
  | { readonly refusal: { readonly code: ErrorCode; readonly message: string } };

/** The first message to a new process; the result is `ModelFacts`. After a refusal, the process is of no more use. */
export interface LoadMessage {
  readonly type: 'load';
  /** A `.onnx` file, or a folder with `model.onnx`; a `model.json` is looked for beside it. */
  readonly modelPath: string;
  /** Undefined: model.json says it, or else the shapes of the input and the output. */
  readonly task: Task | undefined;
  readonly device: Device;
  /** Threads for one operation. */
  readonly threads: number;
  /** Path prefix of the files that ONNX Runtime writes its profile to. */
  readonly scratchPrefix: string;
  /** Runs before the profile is read; it tells of the last one. Default 1. */
  readonly profiledRuns?: number;
}

/** What one execution provider did in one run of a model. */
export interface ProviderUse {
  readonly nodes: number;
  /** Time on the host; work that a GPU does in the background is not included. */
  readonly ms: number;
}

/** What is known of a model that answered its warm-up. */
export interface ModelFacts {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly contract: ModelContract;
  /** What the task was deduced from; undefined if it was given. */
  readonly taskReason?: string;
  /** What it really ran on. */
  readonly provider: 'cpu' | 'cuda';
  /** By the name of the ONNX Runtime provider. */
  readonly useByProvider: Readonly<Record<string, ProviderUse>>;
  /** Why CUDA is not used although it was tried. */
  readonly cudaFailure?: string;
  /** Milliseconds of one run of the warm model, from pixels to answer. */
  readonly runMs: number;
}

/** One prediction; the result is a `RunResult`. */
export interface RunMessage {
  readonly type: 'run';
  /** The file for a large result; undefined if the result fits into the answer. */
  readonly resultFile: string | undefined;
  readonly pixels: Payload;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly sourceSize: { readonly height: number; readonly width: number };
}

export type ChildPrediction =
  | { readonly kind: 'probabilities'; readonly values: ClassProbabilities }
  | { readonly kind: 'mask'; readonly float16le: Payload };

export interface RunResult {
  readonly prediction: ChildPrediction;
  readonly runMs: number;
}
