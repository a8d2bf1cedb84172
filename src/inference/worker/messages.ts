import type { ErrorCode } from '../../errors.ts';
import type { ClassProbabilities, ModelContract } from '../contract/contract.ts';
import type { Task } from '../contract/model-json.ts';
import type { Device } from '../engine.ts';
import type { Payload } from './pixel-transfer.ts';

/** The first message to a fresh child; answered by `ready` or `refused`. */
export interface LoadMessage {
  readonly type: 'load';
  readonly modelPath: string;
  readonly task: Task;
  readonly device: Device;
  readonly threads: number;
  /** How names of files begin that the process may make for itself while it loads. */
  readonly scratchPrefix: string;
}

/** One prediction; answered by `result` or `failed`. */
export interface RunMessage {
  readonly type: 'run';
  /** The file that the result is written to; undefined where it travels in the message. */
  readonly resultFile: string | undefined;
  readonly pixels: Payload;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly sourceSize: { readonly height: number; readonly width: number };
}

export type ParentMessage = LoadMessage | RunMessage;

export interface ReadyMessage {
  readonly type: 'ready';
  readonly contract: ModelContract;
  readonly provider: 'cpu' | 'cuda';
  readonly nodesByProvider: Readonly<Record<string, number>>;
  /** Why CUDA isn't used although it was to be tried. */
  readonly cudaFailure?: string;
  /** A run of the warm model, pixels to answer. */
  readonly runMs: number;
}

/** The model cannot be used; the child is of no use any more. */
interface RefusedMessage {
  readonly type: 'refused';
  readonly code: ErrorCode;
  readonly message: string;
}

export type ChildPrediction =
  | { readonly kind: 'probabilities'; readonly values: ClassProbabilities }
  | { readonly kind: 'mask'; readonly float16le: Payload };

export interface ResultMessage {
  readonly type: 'result';
  readonly prediction: ChildPrediction;
  readonly runMs: number;
}

/** This run gave no prediction; the child goes on. */
interface FailedMessage {
  readonly type: 'failed';
  readonly code: ErrorCode;
  readonly message: string;
}

export type ChildMessage = ReadyMessage | RefusedMessage | ResultMessage | FailedMessage;
