import type { Deadline } from '../admission/deadline.ts';
import type { ErrorCode } from '../errors.ts';
import type { RgbFrames } from '../media/frames.ts';
import type { ClassProbabilities, ModelContract } from './contract/contract.ts';
import type { Task } from './contract/model-json.ts';

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

/** The files that a model was loaded from; plain JSON. */
export interface LoadedFiles {
  /** Of the `.onnx` file, as sha256sum prints it. */
  readonly sha256: string;
  /** All files together, external weights and model.json included. */
  readonly sizeBytes: number;
  /** When the newest of them was written: ISO 8601, as `loadedAt`. */
  readonly modifiedAt: string;
  /** When requests began to be answered by it. */
  readonly loadedAt: string;
}

/** What came of an attempt to change the model; plain JSON. */
export interface ReloadReport {
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string;
  /**
   * - `switched`: the new model answers
   * - `refused`: it cannot be used; what was there before goes on
   * - `unchanged`: the files were written anew with what they held before
   */
  readonly result: 'switched' | 'refused' | 'unchanged';
  /** Why it was refused. */
  readonly code?: ErrorCode;
  readonly detail?: string;
}

export interface EngineStatus {
  readonly state: EngineState;
  readonly modelPath: string;
  /** What answers; undefined before the first model is warm. */
  readonly loaded: LoadedFiles | undefined;
  /** Whether another model is being loaded beside it. */
  readonly reloading: boolean;
  /** The latest change of the model that was tried. */
  readonly lastReload: ReloadReport | undefined;
  /** Files without which the model could not be loaded again. */
  readonly missingFiles: readonly string[];
  /** What was asked for. */
  readonly device: Device;
  /** What the model really ran on in its warm-up; undefined before. */
  readonly provider: 'cpu' | 'cuda' | undefined;
  /** Operations of the model by the ONNX Runtime provider that ran them. */
  readonly nodesByProvider: Readonly<Record<string, number>>;
  readonly pid: number | undefined;
  /** Times that a process was replaced because it ended. */
  readonly restarts: number;
  /** Those of the last hour, of the present model. */
  readonly recentRestarts: number;
  readonly lastError: string | undefined;
  /** Completed runs. */
  readonly runs: number;
  /** Requests that wait or run. */
  readonly queued: number;
  /** Loading and first run of the present process. */
  readonly warmupMs: number | undefined;
}

/** A loaded model, held for one request. */
export interface HeldModel {
  /** What media has to be decoded to for this model, and no other. */
  readonly contract: ModelContract;
  /**
   * @throws MinerError ADMISSION_DEADLINE, ADMISSION_QUEUE_FULL, INFERENCE_CRASHED for an input that killed the
   *   model twice, INFERENCE_FAILED, MODEL_UNAVAILABLE, AXON_CLOSING; or the reason of an aborted signal
   */
  infer(input: EngineInput, options: InferOptions): Promise<Prediction>;
}

/** A model that answers requests, wherever it runs. It can be changed while it answers. */
export interface Engine {
  readonly task: Task;
  readonly state: EngineState;
  status(): EngineStatus;
  /**
   * Resolves when the model is warm.
   * @throws MinerError MODEL_* where it can never be; the signal's reason when it is aborted
   */
  ready(signal?: AbortSignal): Promise<void>;
  /**
   * Holds the present model for one request, from before its media is decoded until it is answered. Whoever holds one
   * keeps it: a model that replaces it meanwhile is for those that come later.
   * @throws MinerError MODEL_WARMING before the first `ready()` resolved, MODEL_* where there is no model, AXON_CLOSING,
   *   and what `work` throws
   */
  use<Result>(work: (model: HeldModel) => Promise<Result>): Promise<Result>;
  /**
   * Loads the model's files again, changed or not, beside the model that answers, and puts the new one in its place once
   * it is warm. A call during a load is for one that follows it. Never rejects.
   */
  reload(reason: string): Promise<ReloadReport>;
  /** Ends the model's processes. */
  close(): Promise<void>;
}
