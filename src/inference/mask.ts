import { MinerError } from '../errors.ts';
import { interpolate, mix } from '../media/interpolation.ts';
import type { OutputContract } from './contract.ts';
import { sigmoid } from './probabilities.ts';

interface Size {
  readonly height: number;
  readonly width: number;
}

const FLOAT16_ONE = 0x3c00;
/** How far outside [0, 1] a model's own rounding may bring a confidence. */
const TOLERANCE = 0.01;

/**
 * A model's mask as the wire wants it: float16, little-endian, row-major, exactly as large as the picture. Each
 * element is 0 or 1: validators cast what isn't, and lose nearly all of it.
 * @param values confidences or logits, row-major, of `from`'s size
 * @returns to.height × to.width × 2 bytes
 * @throws MinerError INFERENCE_FAILED where a value isn't finite, or isn't a confidence although the contract says so
 */
export function encodeMask(
  values: ArrayLike<number>,
  from: Size,
  to: Size,
  { activation, threshold }: Pick<Extract<OutputContract, { kind: 'mask' }>, 'activation' | 'threshold'>,
): Buffer {
  const confidences = activate(values, from, activation);
  const bytes = Buffer.alloc(to.height * to.width * 2);
  const columns = interpolate(from.width, to.width);
  const rows = interpolate(from.height, to.height);
  for (let row = 0; row < to.height; row += 1) {
    const above = (rows.lower[row] ?? 0) * from.width;
    const below = (rows.upper[row] ?? 0) * from.width;
    const rowWeight = rows.weight[row] ?? 0;
    let offset = row * to.width * 2;
    for (let column = 0; column < to.width; column += 1, offset += 2) {
      const left = columns.lower[column] ?? 0;
      const right = columns.upper[column] ?? 0;
      const weight = columns.weight[column] ?? 0;
      const top = mix(confidences[above + left] ?? 0, confidences[above + right] ?? 0, weight);
      const bottom = mix(confidences[below + left] ?? 0, confidences[below + right] ?? 0, weight);
      if (mix(top, bottom, rowWeight) > threshold) bytes.writeUInt16LE(FLOAT16_ONE, offset);
    }
  }
  return bytes;
}

function activate(values: ArrayLike<number>, from: Size, activation: 'none' | 'sigmoid'): Float64Array {
  const count = from.height * from.width;
  if (values.length !== count) {
    throw new MinerError('INFERENCE_FAILED', `the mask has ${values.length} values, not ${count}`);
  }
  const confidences = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const value = values[index] ?? Number.NaN;
    if (!Number.isFinite(value)) {
      throw new MinerError('INFERENCE_FAILED', `the mask holds ${value}, which is no confidence`);
    }
    if (activation === 'none' && (value < -TOLERANCE || value > 1 + TOLERANCE)) {
      throw new MinerError(
        'INFERENCE_FAILED',
        `the mask holds ${value}, which is no confidence; say output.maskActivation sigmoid if it is a logit`,
      );
    }
    confidences[index] = activation === 'sigmoid' ? sigmoid(value) : value;
  }
  return confidences;
}
