import { MinerError } from '../errors.ts';
import type { EngineInput, HeldModel, InferOptions, Prediction } from '../inference/engine.ts';

/** Float16. */
const BYTES_PER_PIXEL = 2;

/** Bytes of the mask for a picture of that size. */
export function maskBytes({ height, width }: EngineInput['sourceSize']): number {
  return height * width * BYTES_PER_PIXEL;
}

/**
 * Which pixels of a picture were altered, as it goes on the wire: little-endian float16, row-major, exactly of the
 * picture's size. A validator refuses any other number of bytes.
 * @param model a model whose task is `mask`
 * @throws MinerError INFERENCE_FAILED if the model answers anything else, and what `infer` throws
 */
export async function segment(
  model: Pick<HeldModel, 'infer'>,
  input: EngineInput,
  options: InferOptions,
): Promise<Extract<Prediction, { kind: 'mask' }>> {
  const prediction = await model.infer(input, options);
  if (prediction.kind !== 'mask') {
    throw new MinerError('INFERENCE_FAILED', `a segmenter's model answered with ${prediction.kind}`);
  }
  const { height, width } = input.sourceSize;
  if (
    prediction.height !== height ||
    prediction.width !== width ||
    prediction.float16le.length !== maskBytes({ height, width })
  ) {
    throw new MinerError(
      'INFERENCE_FAILED',
      `the mask is ${prediction.height} × ${prediction.width} for a picture of ${height} × ${width}`,
    );
  }
  return prediction;
}
