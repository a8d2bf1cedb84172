import { MinerError } from '../../errors.ts';
import type { Fit, RgbFrames } from '../frames.ts';
import { FRAMES_LIMIT_BYTES } from '../limits.ts';
import { type FitPlan, planFit, type Region } from './fit-plan.ts';
import { type Pixels, resample } from './resample.ts';

/**
 * Fits decoded frames to the input size of a model, one after the other, in short turns of the event loop.
 *
 * @throws MinerError MEDIA_TOO_LARGE if the result would be larger than `FRAMES_LIMIT_BYTES`; the signal's reason once
 *   it is aborted
 */
export async function fitFrames(
  frames: RgbFrames,
  fit: Fit,
  { signal }: { signal?: AbortSignal } = {},
): Promise<RgbFrames> {
  signal?.throwIfAborted();
  if (fit.mode === 'native') return frames;
  const frameBytes = frames.width * frames.height * 3;
  const fittedBytes = fit.width * fit.height * 3;
  if (frames.count * fittedBytes > FRAMES_LIMIT_BYTES) {
    throw new MinerError('MEDIA_TOO_LARGE', `${frames.count} frames of ${fit.width} × ${fit.height} pixels`);
  }
  const fitted: Buffer[] = [];
  for (let index = 0; index < frames.count; index++) {
    const data = frames.data.subarray(index * frameBytes, (index + 1) * frameBytes);
    fitted.push(await fitFrame({ data, width: frames.width, height: frames.height }, fit, signal));
    signal?.throwIfAborted();
  }
  const [first] = fitted;
  const data = first !== undefined && fitted.length === 1 ? first : Buffer.concat(fitted);
  return { data, count: frames.count, height: fit.height, width: fit.width };
}

async function fitFrame(
  picture: Pixels,
  fit: Exclude<Fit, { mode: 'native' }>,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const plan = planFit(picture.width, picture.height, fit);
  const window = visiblePart(plan);
  const pixels = await resample(picture, { source: plan.source, resized: plan.resized, window }, signal);
  return place(pixels, window, plan);
}

/** The part of a resized picture that the output shows. */
function visiblePart({ resized, output, offset }: FitPlan): Region {
  const left = Math.max(0, -offset.left);
  const top = Math.max(0, -offset.top);
  return {
    left,
    top,
    width: Math.min(resized.width - left, output.width - Math.max(0, offset.left)),
    height: Math.min(resized.height - top, output.height - Math.max(0, offset.top)),
  };
}

/**
 * Puts the visible part of a picture on a black output of the planned size.
 * @param pixels 8-bit RGB, row-major, no padding
 */
function place(pixels: Buffer, { width, height }: Region, { output, offset }: FitPlan): Buffer {
  if (width === output.width && height === output.height) return pixels;
  const result = Buffer.alloc(output.width * output.height * 3);
  const left = Math.max(0, offset.left);
  const top = Math.max(0, offset.top);
  for (let row = 0; row < height; row++) {
    const target = ((top + row) * output.width + left) * 3;
    pixels.copy(result, target, row * width * 3, (row + 1) * width * 3);
  }
  return result;
}
