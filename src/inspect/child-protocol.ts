import type { ErrorCode } from '../errors.ts';
import type { Answer } from '../inference/child/predict.ts';
import type { ProviderUse } from '../inference/child/provider-profile.ts';
import type { ModelContract, TensorSignature } from '../inference/contract/contract.ts';
import type { Task } from '../inference/contract/model-json.ts';
import type { Device } from '../inference/engine.ts';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** The first message to a fresh child; answered by `loaded` or `failed`. */
export interface LoadMessage {
  readonly type: 'load';
  readonly modelPath: string;
  /** Undefined: to be deduced. */
  readonly task: Task | undefined;
  readonly device: Device;
  readonly threads: number;
  /** How names of files begin that the process may make for itself while it loads. */
  readonly scratchPrefix: string;
  readonly profiledRuns: number;
}

/** Runs on random pixels; answered by `measured` or `failed`. */
export interface MeasureMessage {
  readonly type: 'measure';
  /**
   * - `batch`: one run of the model with so many pictures or clips, the tensor ready before and the numbers not looked at
   * - `answer`: all that one request of the miner takes, from pixels to answer, for a picture of `sourceSize`
   */
  readonly what: { readonly batch: number } | { readonly answer: { readonly sourceSize: Size } };
  /** As many as are timed at most, and how long that goes on. */
  readonly runs: number;
  readonly limitMs: number;
}

/** One picture or clip, as the contract asks for it; answered by `answered` or `failed`. */
export interface AskMessage {
  readonly type: 'ask';
  readonly pixels: Uint8Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly sourceSize: Size;
}

export type ParentMessage = LoadMessage | MeasureMessage | AskMessage;

export interface LoadedMessage {
  readonly type: 'loaded';
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly contract: ModelContract;
  readonly taskReason?: string;
  readonly provider: 'cpu' | 'cuda';
  readonly useByProvider: Readonly<Record<string, ProviderUse>>;
  readonly cudaFailure?: string;
  /** Memory of the process before the model was loaded: Node.js and ONNX Runtime. */
  readonly baselineRssBytes: number;
}

export interface MeasuredMessage {
  readonly type: 'measured';
  readonly timesMs: readonly number[];
  /** The most memory that the process has had since its start. */
  readonly peakRssBytes: number;
}

/** What one run of the model gave, before anything is made of it. */
export interface RawNumbers {
  readonly shape: readonly number[];
  /** Null for a mask, which has too many to be looked at. */
  readonly values: readonly number[] | null;
  readonly min: number;
  readonly max: number;
}

export interface AnsweredMessage {
  readonly type: 'answered';
  readonly answer: Answer;
  /** From pixels to answer. */
  readonly answerMs: number;
  /** A mask before it is cut at the threshold, of the same size and encoding; undefined where there is no mask. */
  readonly confidences: Uint8Array | undefined;
  /** In order; several where a clip is put to a model of pictures. */
  readonly raw: readonly RawNumbers[];
}

interface FailedMessage {
  readonly type: 'failed';
  readonly code: ErrorCode;
  readonly message: string;
}

export type ChildMessage = LoadedMessage | MeasuredMessage | AnsweredMessage | FailedMessage;
