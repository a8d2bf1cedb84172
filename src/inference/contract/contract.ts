import type { FrameStride } from '../../media/clips/sample-indices.ts';
import type { Fit } from '../../media/frames.ts';
import type {
  ClassName,
  Decision,
  InputType,
  Layout,
  MaskActivation,
  MaskResize,
  Task,
} from './model-json.ts';

/** A tensor as the ONNX file declares it; a string stands for a dimension known only when the model runs. */
export interface TensorSignature {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

/** How pictures become the model's input tensor. */
export interface InputContract {
  readonly name: string;
  readonly layout: Layout;
  readonly dtype: InputType;
  /** How media is brought to the size that the model takes. */
  readonly fit: Fit;
  /** Pictures in one request: 1, or the number of frames that are sampled from a clip. */
  readonly frames: number;
  /** Which frames of a clip are sampled. */
  readonly frameStride: FrameStride;
  /** The most frames in one run of a model without a time dimension; otherwise the same as `frames`. */
  readonly framesPerRun: number;
  /** A float element is (pixel × scale − mean) / std; all three are the identity for uint8. */
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** How the model's output tensor becomes the probabilities of a detector. */
export interface ClassesContract {
  readonly kind: 'logits' | 'probabilities' | 'sigmoid';
  readonly name: string;
  /** What each number means. */
  readonly classes: readonly ClassName[];
  /** Logits are divided by it; 1 for probabilities. */
  readonly temperature: number;
  readonly decision: Decision;
}

/** How the model's output tensor becomes the mask of a segmenter. */
export interface MaskContract {
  readonly kind: 'mask';
  readonly name: string;
  readonly activation: MaskActivation;
  readonly resize: MaskResize;
  /** A hard mask is 1 above the threshold and 0 elsewhere; a soft mask holds the confidences. */
  readonly hardness: { readonly mode: 'hard'; readonly threshold: number } | { readonly mode: 'soft' };
}

export type OutputContract = ClassesContract | MaskContract;

/**
 * Where a value of the contract comes from: `model.json` says it (the ONNX file may say the same), the ONNX file says it,
 * or neither does.
 */
export type Origin = 'model.json' | 'ONNX' | 'default';

/** Everything that is needed to run a model. */
export interface ModelContract {
  readonly task: Task;
  readonly input: InputContract;
  readonly output: OutputContract;
  /** By the path of the field in model.json, such as `input.layout`; a size has one entry for each side. */
  readonly origins: Readonly<Record<string, Origin>>;
}

/** P(real), P(synthetic), P(semisynthetic): finite, each in [0, 1], their sum within 1e-9 of 1. */
export type ClassProbabilities = readonly [number, number, number];

/** Side of the warm-up picture for a model that takes any size: a multiple of the usual strides. */
export const NATIVE_WARMUP_EDGE = 256;
/** The largest picture for a model of native size, 4096 × 4096: as float32 it is 201 MB. */
export const NATIVE_LIMIT_PIXELS = 16_777_216;
