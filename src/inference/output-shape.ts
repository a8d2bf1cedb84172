import { unusable } from './model-refusals.ts';

/**
 * Height and width of a mask output: [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W].
 * @throws MinerError MODEL_INVALID for any other shape
 */
export function maskSize(shape: readonly number[]): { readonly height: number; readonly width: number } {
  const [a, b, c, d] = shape;
  const size =
    shape.length === 2
      ? [a, b]
      : shape.length === 3 && a === 1
        ? [b, c]
        : shape.length === 4 && a === 1 && b === 1
          ? [c, d]
          : shape.length === 4 && a === 1 && d === 1
            ? [b, c]
            : [];
  const [height, width] = size;
  if (height === undefined || width === undefined || height < 1 || width < 1) {
    throw unusable(
      `the ONNX output has shape [${shape.join(', ')}]; a mask is [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W]`,
    );
  }
  return { height, width };
}

/**
 * Numbers per picture or clip in an output [N, classes], or [N] or [classes] where the other is 1.
 * @throws MinerError MODEL_INVALID for any other shape
 */
export function classCount(shape: readonly number[], batch: number): number {
  const [first, second] = shape;
  if (shape.length === 2 && first === batch && second !== undefined) return second;
  if (shape.length === 1 && first === batch && batch > 1) return 1;
  if (shape.length === 1 && batch === 1 && first !== undefined) return first;
  throw unusable(
    `the ONNX output has shape [${shape.join(', ')}] for a batch of ${batch}; a detector gives [N, classes]`,
  );
}
