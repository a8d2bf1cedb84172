import type { Answer } from '../inference/child/predict.ts';

/** What inspect and its child say to each other once the model is loaded. The load is that of inference/worker/messages.ts. */

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Runs on random pixels; the result is `Measured`. */
export interface MeasureMessage {
  readonly type: 'measure';
  /**
   * - `batch`: one run with this number of pictures or clips; the tensor is made before, and the numbers are not read
   * - `answer`: a whole request of the miner, from pixels to answer, for a picture of `sourceSize`
   */
  readonly what: { readonly batch: number } | { readonly answer: { readonly sourceSize: Size } };
  /** Timed runs at most. */
  readonly runs: number;
  /** No run begins after this time. */
  readonly limitMs: number;
}

export interface Measured {
  readonly timesMs: readonly number[];
  /** Memory of the process before the model was loaded: Node.js and ONNX Runtime. */
  readonly baselineRssBytes: number;
  /** The most memory that the process had since its start. */
  readonly peakRssBytes: number;
}

/** One picture or clip, as the contract wants it; the result is `Answered`. */
export interface AskMessage {
  readonly type: 'ask';
  readonly pixels: Uint8Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly sourceSize: Size;
}

export interface Answered {
  readonly answer: Answer;
  /** From pixels to answer. */
  readonly answerMs: number;
  /** The mask before it is cut at the threshold, of the same size and encoding; undefined if there is no mask. */
  readonly confidences: Uint8Array | undefined;
  /** One for each run: several if a clip is put to a model of pictures. */
  readonly raw: readonly RawNumbers[];
}

/** What one run of the model gave. */
export interface RawNumbers {
  readonly shape: readonly number[];
  /** Null for a mask, which has too many to show. */
  readonly values: readonly number[] | null;
  readonly min: number;
  readonly max: number;
}
