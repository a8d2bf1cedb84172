import type { Deadline } from '../admission/deadline.ts';
import type { RgbFrames } from '../media/frames.ts';
import type { ModelContract } from './contract.ts';
import type { Task } from './model-json.ts';
import type { ClassProbabilities } from './probabilities.ts';

/** What one request gives to a model. */
export interface EngineInput {
  /** As many frames as the contract asks for, brought to its fit. */
  readonly frames: RgbFrames;
  /** Names the content (a hash of the body), so that one which kills the model is known when it comes again. */
  readonly contentHash: string;
  /** The picture as it was sent: the size that a mask is answered in. */
  readonly sourceSize: { readonly height: number; readonly width: number };
}

export interface InferOptions {
  /** When the answer is worth nothing any more; waiting, running and the retry all end there. */
  readonly deadline: Pick<Deadline, 'remainingMs' | 'signal'>;
  /** Higher is served first; among equals the earlier deadline. */
  readonly priority: number;
  /** Aborted when the caller no longer wants the answer: it is dropped from the queue, or its result ignored. */
  readonly signal?: AbortSignal;
}

export type Prediction =
  | { readonly kind: 'probabilities'; readonly values: ClassProbabilities }
  | {
      readonly kind: 'mask';
      /** height × width little-endian float16 numbers, row-major: 0 or 1, or confidences where the contract is soft. */
      readonly float16le: Buffer;
      readonly height: number;
      readonly width: number;
    };

export type Device = 'cpu' | 'cuda' | 'auto';

/**
 * - `warming`: the model is loading for the first time
 * - `ready`: it answers
 * - `restarting`: its process died or hung and a fresh one is loading
 * - `failed`: it cannot be used; a model that worked before is retried every 30 seconds
 * - `closed`: for good
 */
export type EngineState = 'warming' | 'ready' | 'restarting' | 'failed' | 'closed';

export interface EngineStatus {
  readonly state: EngineState;
  readonly modelPath: string;
  /** What was asked for. */
  readonly device: Device;
  /** What the model really ran on in its warm-up; undefined before. */
  readonly provider: 'cpu' | 'cuda' | undefined;
  /** Operations of the model by the ONNX Runtime provider that ran them. */
  readonly nodesByProvider: Readonly<Record<string, number>>;
  readonly pid: number | undefined;
  /** Times that the process was replaced. */
  readonly restarts: number;
  readonly lastError: string | undefined;
  /** Completed runs. */
  readonly runs: number;
  /** Requests that wait or run. */
  readonly queued: number;
  /** Loading and first run of the present process. */
  readonly warmupMs: number | undefined;
}

/** A model that answers requests, wherever it runs. */
export interface Engine {
  readonly task: Task;
  /** @throws MinerError MODEL_WARMING before the first `ready()` resolved */
  readonly contract: ModelContract;
  status(): EngineStatus;
  /**
   * Resolves when the model is warm.
   * @throws MinerError MODEL_* where it can never be; the signal's reason when it is aborted
   */
  ready(signal?: AbortSignal): Promise<void>;
  /**
   * @throws MinerError ADMISSION_DEADLINE, ADMISSION_QUEUE_FULL, INFERENCE_CRASHED for an input that killed the
   *   model twice, INFERENCE_FAILED, MODEL_UNAVAILABLE, AXON_CLOSING; or the reason of an aborted signal
   */
  infer(input: EngineInput, options: InferOptions): Promise<Prediction>;
  /** Ends the model's process. */
  close(): Promise<void>;
}
