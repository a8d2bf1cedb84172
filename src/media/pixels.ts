import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FitPlan } from './fit-plan.ts';
import { interpolate, mix } from './interpolation.ts';

/** Samples written between two turns of the event loop: under 2 ms of work. */
const SAMPLES_PER_TURN = 150_000;

interface Picture {
  /** 8-bit RGB, row-major, no padding. */
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/**
 * Enlarges by bilinear interpolation between pixel centres, edges repeated, as Pillow and torchvision do (each
 * sample within 1 of theirs). libvips is not used for this: it samples half an output pixel off.
 *
 * @param picture 8-bit RGB
 * @param width new width, ≥ the picture's
 * @param height new height, ≥ the picture's
 * @throws the signal's reason once it is aborted
 */
export async function enlarge(
  picture: Picture,
  width: number,
  height: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { data } = picture;
  const output = Buffer.allocUnsafe(width * height * 3);
  const columns = interpolate(picture.width, width);
  const rows = interpolate(picture.height, height);
  const rowBytes = picture.width * 3;
  const rowsPerTurn = Math.max(1, Math.floor(SAMPLES_PER_TURN / (width * 3)));
  for (let y = 0; y < height; y++) {
    if (y % rowsPerTurn === 0) {
      await nextTurn();
      signal?.throwIfAborted();
    }
    const upper = at(rows.lower, y) * rowBytes;
    const lower = at(rows.upper, y) * rowBytes;
    const weightY = at(rows.weight, y);
    let target = y * width * 3;
    for (let x = 0; x < width; x++) {
      const left = at(columns.lower, x) * 3;
      const right = at(columns.upper, x) * 3;
      const weightX = at(columns.weight, x);
      for (let channel = 0; channel < 3; channel++) {
        const top = mix(at(data, upper + left + channel), at(data, upper + right + channel), weightX);
        const bottom = mix(at(data, lower + left + channel), at(data, lower + right + channel), weightX);
        output[target++] = Math.floor(mix(top, bottom, weightY) + 0.5);
      }
    }
  }
  return output;
}

/** Lays the resized picture on a black output of the planned size: what lies outside is cut off. */
export function place(resized: Buffer, plan: FitPlan): Buffer {
  const { output, offset } = plan;
  if (plan.resized.width === output.width && plan.resized.height === output.height) return resized;
  const result = Buffer.alloc(output.width * output.height * 3);
  const sourceLeft = Math.max(0, -offset.left);
  const targetLeft = Math.max(0, offset.left);
  const columns = Math.min(plan.resized.width - sourceLeft, output.width - targetLeft);
  const firstRow = Math.max(0, offset.top);
  const lastRow = Math.min(output.height, offset.top + plan.resized.height);
  for (let y = firstRow; y < lastRow; y++) {
    const start = ((y - offset.top) * plan.resized.width + sourceLeft) * 3;
    resized.copy(result, (y * output.width + targetLeft) * 3, start, start + columns * 3);
  }
  return result;
}

/** An element that is known to exist. */
function at(array: Uint8Array | Uint32Array | Float64Array, index: number): number {
  return array[index] as number;
}
