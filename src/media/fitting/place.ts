import type { FitPlan, Region } from './fit-plan.ts';

/** The part of a resized picture that the output shows. */
export function visiblePart({ resized, output, offset }: FitPlan): Region {
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
 * Lays the visible part of a picture on a black output of the planned size.
 * @param pixels 8-bit RGB, row-major, no padding
 */
export function place(pixels: Buffer, { width, height }: Region, { output, offset }: FitPlan): Buffer {
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
