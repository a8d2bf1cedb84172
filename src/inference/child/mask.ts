import { MinerError } from '../../errors.ts';
import { planFit } from '../../media/fitting/fit-plan.ts';
import { interpolate, mix, pickNearest, type Span } from '../../media/fitting/interpolation.ts';
import type { Fit } from '../../media/frames.ts';
import type { MaskContract } from '../contract/contract.ts';
import type { MaskPlace } from '../contract/output.ts';
import { encodeFloat16 } from './float16.ts';
import { sigmoid } from './probabilities.ts';

interface Size {
  readonly height: number;
  readonly width: number;
}

type Reading = Pick<MaskContract, 'activation' | 'resize' | 'hardness'>;

const FLOAT16_ONE = 0x3c00;
/** How far rounding in the model may bring a confidence out of [0, 1]. */
const TOLERANCE = 0.01;

/**
 * A model's mask as it goes on the wire: float16, little-endian, row-major, exactly as large as the picture. Validators round
 * each element at 0.5. They cast a mask of another size, and so lose nearly every value that is not 0 or 1. The mask is 0
 * where the fit cut the picture off.
 * @param values confidences or logits, as `place` says they lie
 * @param fit how the picture was brought to the model's input
 * @returns picture.height × picture.width × 2 bytes
 * @throws MinerError INFERENCE_FAILED if a value is not finite, or is no confidence although the contract says so
 */
export function encodeMask(
  values: ArrayLike<number>,
  place: MaskPlace,
  picture: Size,
  fit: Fit,
  { activation, resize, hardness }: Reading,
): Buffer {
  const confidences = activate(values, place, activation);
  const bytes = Buffer.alloc(picture.height * picture.width * 2);
  const window = locatePicture(picture, fit, place);
  const resample = resize === 'nearest' ? pickNearest : interpolate;
  const columns = resample(place.width, picture.width, window.columns);
  const rows = resample(place.height, picture.height, window.rows);
  const shown = {
    rows: shownPart(place.height, picture.height, window.rows),
    columns: shownPart(place.width, picture.width, window.columns),
  };
  for (let row = shown.rows.from; row < shown.rows.to; row += 1) {
    const above = (rows.lower[row] ?? 0) * place.width;
    const below = (rows.upper[row] ?? 0) * place.width;
    const rowWeight = rows.weight[row] ?? 0;
    let offset = (row * picture.width + shown.columns.from) * 2;
    for (let column = shown.columns.from; column < shown.columns.to; column += 1, offset += 2) {
      const left = columns.lower[column] ?? 0;
      const right = columns.upper[column] ?? 0;
      const weight = columns.weight[column] ?? 0;
      const top = mix(confidences[above + left] ?? 0, confidences[above + right] ?? 0, weight);
      const bottom = mix(confidences[below + left] ?? 0, confidences[below + right] ?? 0, weight);
      const confidence = mix(top, bottom, rowWeight);
      if (hardness.mode === 'soft') bytes.writeUInt16LE(encodeFloat16(confidence), offset);
      else if (confidence > hardness.threshold) bytes.writeUInt16LE(FLOAT16_ONE, offset);
    }
  }
  return bytes;
}

/** The part of a mask that shows the picture. It reaches beyond the mask if the fit cut the picture off. */
interface MaskWindow {
  readonly rows: Span;
  readonly columns: Span;
}

/**
 * Where the picture lies in a mask: all over it, inside the padding of `contain`, or beyond the edges for `cover`.
 * @param mask of any resolution; it covers the whole input of the model
 */
function locatePicture(picture: Size, fit: Fit, mask: Size): MaskWindow {
  if (fit.mode === 'native' || fit.mode === 'stretch') {
    return { rows: { start: 0, length: mask.height }, columns: { start: 0, length: mask.width } };
  }
  const { source, resized, offset } = planFit(picture.width, picture.height, fit);
  const span = (edge: 'height' | 'width', corner: 'top' | 'left'): Span => {
    const perPixel = resized[edge] / source[edge];
    const perInputPixel = mask[edge] / fit[edge];
    return {
      start: (offset[corner] - source[corner] * perPixel) * perInputPixel,
      length: picture[edge] * perPixel * perInputPixel,
    };
  };
  return { rows: span('height', 'top'), columns: span('width', 'left') };
}

/** The output positions whose centre lies on the mask. */
function shownPart(
  from: number,
  to: number,
  { start, length }: Span,
): { readonly from: number; readonly to: number } {
  const positionOf = (edge: number): number => Math.ceil(((edge - start) * to) / length - 0.5);
  return { from: Math.max(0, positionOf(0)), to: Math.min(to, positionOf(from)) };
}

/** Confidences in [0, 1], row-major. */
function activate(
  values: ArrayLike<number>,
  { height, width, channels, interleaved }: MaskPlace,
  activation: MaskContract['activation'],
): Float64Array {
  const count = height * width;
  if (values.length !== count * channels) {
    throw new MinerError('INFERENCE_FAILED', `the mask has ${values.length} values, not ${count * channels}`);
  }
  const confidences = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const [first, second] = interleaved ? [2 * index, 2 * index + 1] : [index, count + index];
    // The softmax of two is the sigmoid of their difference.
    const value = channels === 1 ? values[index] : Number(values[second]) - Number(values[first]);
    if (value === undefined || !Number.isFinite(value)) {
      throw new MinerError('INFERENCE_FAILED', `the mask holds ${value}, which is no confidence`);
    }
    if (activation === 'none' && (value < -TOLERANCE || value > 1 + TOLERANCE)) {
      throw new MinerError(
        'INFERENCE_FAILED',
        `the mask holds ${value}, which is no confidence; set output.maskActivation sigmoid if it is a logit`,
      );
    }
    confidences[index] = activation === 'none' ? Math.min(1, Math.max(0, value)) : sigmoid(value);
  }
  return confidences;
}
