import type { Deadline } from '../admission/deadline.ts';
import type { ErrorCode } from '../errors.ts';
import type { RgbFrames } from '../media/frames.ts';
import type { ClassProbabilities, ModelContract } from './contract/contract.ts';
import type { Task } from './contract/model-json.ts';

/** What the rest of the miner knows of a model: an interface, with no code. `onnx-engine.ts` implements it. */

/** What one request gives to a model. */
export interface EngineInput {
  /** Frames of the number and size that the contract asks for. */
  readonly frames: RgbFrames;
  /** A hash of the body. An input that kills the process is recognised by it. */
  readonly contentHash: string;
  /** The size of the picture as it was sent; a mask has this size. */
  readonly sourceSize: { readonly height: number; readonly width: number };
}

export interface InferOptions {
  /** Waiting, running and the retry all end at the deadline. */
  readonly deadline: Pick<Deadline, 'remainingMs' | 'signal'>;
}

export type Prediction =
  | { readonly kind: 'probabilities'; readonly values: ClassProbabilities }
  | {
      readonly kind: 'mask';
      /** height × width little-endian float16 numbers, row-major: 0 or 1, or confidences if the contract says soft. */
      readonly float16le: Buffer;
      readonly height: number;
      readonly width: number;
    };

export type Device = 'cpu' | 'cuda' | 'auto';

/**
 * - `warming`: the model is loading for the first time
 * - `ready`: it answers
 * - `restarting`: its process died or hung, and a new one is loading
 * - `failed`: it cannot be used; a model that worked before is retried every 30 seconds
 * - `closed`: the engine was closed
 */
export type EngineState = 'warming' | 'ready' | 'restarting' | 'failed' | 'closed';

/** The files that a model was loaded from; plain JSON. */
export interface LoadedFiles {
  /** Of the `.onnx` file, in hexadecimal as sha256sum prints it. */
  readonly sha256: string;
  /** Of all files, with external weights and model.json. */
  readonly sizeBytes: number;
  /** When the newest file was written: ISO 8601, as `loadedAt`. */
  readonly modifiedAt: string;
  /** When the model began to answer requests. */
  readonly loadedAt: string;
}

/** The outcome of a reload; plain JSON. */
export interface ReloadReport {
  /** ISO 8601. */
  readonly at: string;
  readonly reason: string;
  /**
   * - `switched`: the new model answers
   * - `refused`: it cannot be used; the model before it goes on
   * - `unchanged`: the files were rewritten with the same content
   */
  readonly result: 'switched' | 'refused' | 'unchanged';
  /** Set if it was refused, as `detail`. */
  readonly code?: ErrorCode;
  readonly detail?: string;
}

export interface EngineStatus {
  readonly state: EngineState;
  readonly modelPath: string;
  /** The files of the running model; undefined before the first model is warm. */
  readonly loaded: LoadedFiles | undefined;
  /** Whether another model is being loaded. */
  readonly reloading: boolean;
  /** The latest reload. */
  readonly lastReload: ReloadReport | undefined;
  /** Files that are missing: without them, the model could not be loaded again. */
  readonly missingFiles: readonly string[];
  /** The setting. */
  readonly device: Device;
  /** What the model ran on in its warm-up; undefined before. */
  readonly provider: 'cpu' | 'cuda' | undefined;
  /** Number of operations by the ONNX Runtime provider that ran them. */
  readonly nodesByProvider: Readonly<Record<string, number>>;
  readonly pid: number | undefined;
  /** How often a process was replaced because it ended. */
  readonly restarts: number;
  /** Restarts of the running model in the last hour. */
  readonly recentRestarts: number;
  readonly lastError: string | undefined;
  /** Completed runs. */
  readonly runs: number;
  /** Requests that wait or run. */
  readonly queued: number;
  /** Time of loading and the first run of the present process. */
  readonly warmupMs: number | undefined;
}

/** A loaded model, held for one request. */
export interface HeldModel {
  /** Media must be decoded for this model, and not for another. */
  readonly contract: ModelContract;
  /**
   * @throws MinerError ADMISSION_DEADLINE, ADMISSION_QUEUE_FULL, INFERENCE_CRASHED for an input that killed the process
   *   twice, INFERENCE_FAILED, MODEL_UNAVAILABLE, AXON_CLOSING; or the reason of the deadline's signal
   */
  infer(input: EngineInput, options: InferOptions): Promise<Prediction>;
}

/** A model that answers requests. Its files can change while it answers. */
export interface Engine {
  readonly task: Task;
  readonly state: EngineState;
  status(): EngineStatus;
  /**
   * Resolves when the model is warm.
   * @throws MinerError MODEL_* if it cannot become warm; the signal's reason once it is aborted
   */
  ready(signal?: AbortSignal): Promise<void>;
  /**
   * Holds the present model for one request, from before its media is decoded until it is answered. The request keeps this
   * model even if it is replaced meanwhile.
   * @throws MinerError MODEL_WARMING before the first `ready()` resolved, MODEL_* if there is no model, AXON_CLOSING, and what
   *   `work` throws
   */
  use<Result>(work: (model: HeldModel) => Promise<Result>): Promise<Result>;
  /**
   * Loads the model's files again, changed or not, and swaps the models once the new one is warm. A call during a reload asks
   * for one more reload after it. Never rejects.
   */
  reload(reason: string): Promise<ReloadReport>;
  /** Ends the model's processes. */
  close(): Promise<void>;
}
