import type { ErrorCode } from '../errors.ts';
import type { TensorSignature } from '../inference/contract/contract.ts';
import type { ContractLine } from '../inference/contract/lines.ts';
import type { Task } from '../inference/contract/model-json.ts';
import type { Device } from '../inference/engine.ts';
import type { RawNumbers } from './child-protocol.ts';
import type { BurstReport } from './measure/burst.ts';
import type { MeasuredCosts } from './measure/machine-costs.ts';
import type { FileReport } from './model-file.ts';

/** What the file is, its inputs and outputs, and the contract that the miner makes of them. */
export interface ModelReport extends FileReport {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly task: Task;
  readonly taskOrigin: 'model.json' | '--task' | 'deduced';
  /** Why, if the task was deduced; otherwise null. */
  readonly taskReason: string | null;
  readonly contract: readonly ContractLine[];
}

/** What the model ran on. */
export interface ExecutionReport {
  /** The setting. */
  readonly device: Device;
  readonly provider: 'cpu' | 'cuda';
  /** Why CUDA is not used although it was tried; otherwise null. */
  readonly cudaFailure: string | null;
  readonly threads: number;
  /** Of one warm run. */
  readonly providers: readonly {
    readonly name: string;
    readonly operations: number;
    /** Of all operations, 0 to 1. */
    readonly operationShare: number;
    readonly timeMs: number;
    /** Of the time of all operations, 0 to 1. */
    readonly timeShare: number;
  }[];
}

export interface Latency {
  readonly runs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** A run with `batch` pictures or clips at once, in a new process. */
export interface BatchReport {
  readonly batch: number;
  /** Null if it was not measured. */
  readonly latency: Latency | null;
  /** p50 for each picture or clip of the batch. */
  readonly perInputMs: number | null;
  /** The most memory of the process. */
  readonly peakRssBytes: number | null;
  /** Memory of Node.js and ONNX Runtime without a model. */
  readonly baselineRssBytes: number | null;
  readonly notMeasured: string | null;
}

export interface SpeedReport {
  /** The cost of one request in the model's process: pixels to tensor, the runs, and the answer, with a mask at full size. */
  readonly answer: Latency;
  readonly batches: readonly BatchReport[];
}

/** Whether requests are answered within the 11 seconds of a validator. */
export interface FitReport {
  readonly machine: {
    readonly cpu: string;
    readonly memoryBytes: number;
    /** Running processes, on average over the minute before the measurements. */
    readonly loadAverage: number;
  };
  readonly costs: MeasuredCosts;
  /** One request, when the machine does nothing else. */
  readonly aloneMs: number;
  /** One burst for a model without clips; otherwise one with plain clips, then one with noisy clips. */
  readonly bursts: readonly BurstReport[];
  /** Whether the first of the bursts is answered in time. */
  readonly fits: boolean;
  /** A sentence for each burst. */
  readonly verdicts: readonly string[];
}

interface AnsweredFile {
  readonly file: string;
  /** As it was sent. */
  readonly width: number;
  readonly height: number;
  readonly decodeMs: number;
  readonly modelMs: number;
  /** What each run of the model gave. */
  readonly raw: readonly RawNumbers[];
}

/** One of the files given, and what the miner would answer. */
export type AnswerReport =
  | (AnsweredFile & {
      readonly kind: 'probabilities';
      readonly probabilities: {
        readonly real: number;
        readonly synthetic: number;
        readonly semisynthetic: number;
      };
      /** The class that validators read. */
      readonly class: 'real' | 'synthetic' | 'semisynthetic';
    })
  | (AnsweredFile & {
      readonly kind: 'mask';
      /** Share of the pixels that count as AI-made, 0 to 1. */
      readonly markedShare: number;
      readonly meanConfidence: number;
      readonly maxConfidence: number;
    })
  | {
      readonly kind: 'error';
      readonly file: string;
      readonly code: ErrorCode;
      readonly message: string;
    };

/** What `inspect --json` prints. */
export interface InspectReport {
  /** Raised when a key changes its name or meaning. */
  readonly format: 1;
  readonly model: ModelReport;
  readonly execution: ExecutionReport;
  readonly speed: SpeedReport;
  readonly fit: FitReport;
  readonly answers: readonly AnswerReport[];
  /** Path of the page with the masks; null if none was written. */
  readonly html: string | null;
}
