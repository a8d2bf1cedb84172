import type { MaskActivation } from './model-json.ts';
import { contradiction, unusable } from './refusals.ts';

/** Where a mask lies in an output tensor. */
export interface MaskPlace {
  readonly height: number;
  readonly width: number;
  /** 1, or 2 where the mask is the second of two channels and the softmax of both. */
  readonly channels: 1 | 2;
  /** Whether the channels of a pixel lie side by side, and not one plane after the other. */
  readonly interleaved: boolean;
}

/**
 * Reads the shape of a mask output: [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W], and [1,2,H,W] or [1,H,W,2] with softmax.
 * @throws MinerError MODEL_INVALID for any other shape, MODEL_CONTRADICTION where the channels don't fit the activation
 */
export function locateMask(shape: readonly number[], activation: MaskActivation): MaskPlace {
  const words = `the ONNX output has the shape [${shape.join(', ')}]`;
  const place = readPlace(shape);
  if (place === undefined || place.height < 1 || place.width < 1) {
    throw unusable(
      `${words}: export a mask of [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W], or of [1,2,H,W] or [1,H,W,2] for softmax`,
    );
  }
  if (place.channels === 2 && activation !== 'softmax') {
    throw contradiction(
      `${words}, two channels`,
      `output.maskActivation is ${activation}, which is for one: say softmax if they are logits`,
    );
  }
  if (place.channels === 1 && activation === 'softmax') {
    throw contradiction('model.json says output.maskActivation softmax, which is for two channels', words);
  }
  return place;
}

function readPlace(shape: readonly number[]): MaskPlace | undefined {
  const one = (height = 0, width = 0): MaskPlace => ({ height, width, channels: 1, interleaved: false });
  const [a, b, c, d] = shape;
  // One row is no mask but a flattened one, whose shape can't be known.
  if (shape.length === 2) return a === 1 ? undefined : one(a, b);
  if (a !== 1) return undefined;
  if (shape.length === 3) return one(b, c);
  if (shape.length !== 4) return undefined;
  if (b === 1) return one(c, d);
  if (d === 1) return one(b, c);
  if (b === 2) return { ...one(c, d), channels: 2 };
  return d === 2 ? { ...one(b, c), channels: 2, interleaved: true } : undefined;
}

/**
 * Numbers per picture or clip in an output [N, classes], or [N] or [classes] where the other is 1.
 * @param batch pictures or clips that went in
 * @throws MinerError MODEL_INVALID for any other shape
 */
export function classCount(shape: readonly number[], batch: number): number {
  const [first, second] = shape;
  if (shape.length === 2 && first === batch && second !== undefined) return second;
  if (shape.length === 1 && first === batch && batch > 1) return 1;
  if (shape.length === 1 && batch === 1 && first !== undefined) return first;
  throw unusable(
    `the ONNX output has the shape [${shape.join(', ')}] for a batch of ${batch}: export it as [N, classes]`,
  );
}
