import type { Fit } from '../frames.ts';

/** A rectangle of pixels; `left` and `top` count from the upper left corner. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How one picture is fitted to a model's size: cut, resize, then place on the output. */
export interface FitPlan {
  /** The part of the source that is resized. */
  readonly source: Region;
  /** The size to which that part is resized. */
  readonly resized: { readonly width: number; readonly height: number };
  /** The output's size. */
  readonly output: { readonly width: number; readonly height: number };
  /** The corner of the resized picture on the output: negative if cropped, positive if padded. */
  readonly offset: { readonly left: number; readonly top: number };
}

/**
 * For `cover`, a picture longer than this many times the crop is cut before it is resized. Otherwise a 30,000 × 1
 * picture would become 6.7 million pixels wide on its way to 224 × 224. The crop never shows the part that is cut off.
 */
const COVER_LENGTH_RATIO_LIMIT = 16;

/**
 * Sizes and positions for one picture. `cover` rounds as torchvision's `Resize` and `CenterCrop` do (the longer
 * edge down, the crop's corner half to even); `contain` rounds the shorter edge to the nearest pixel.
 *
 * @param width of the source, ≥ 1
 * @param height of the source, ≥ 1
 */
export function planFit(width: number, height: number, fit: Exclude<Fit, { mode: 'native' }>): FitPlan {
  const output = { width: fit.width, height: fit.height };
  const whole = { left: 0, top: 0, width, height };
  switch (fit.mode) {
    case 'stretch':
      return { source: whole, resized: output, output, offset: { left: 0, top: 0 } };
    case 'cover': {
      const source = cutLongEdge(whole, output);
      const resized = coveringSize(source, output);
      return {
        source,
        resized,
        output,
        offset: {
          left: 0 - halfToEven(resized.width - output.width),
          top: 0 - halfToEven(resized.height - output.height),
        },
      };
    }
    case 'contain': {
      const resized = containedSize(whole, output);
      return {
        source: whole,
        resized,
        output,
        offset: {
          left: Math.floor((output.width - resized.width) / 2),
          top: Math.floor((output.height - resized.height) / 2),
        },
      };
    }
  }
}

type Size = Pick<Region, 'width' | 'height'>;

function cutLongEdge(source: Region, output: Size): Region {
  const ratio = (COVER_LENGTH_RATIO_LIMIT * output.width) / output.height;
  const width = Math.min(source.width, Math.max(1, Math.floor(source.height * ratio)));
  const inverse = (COVER_LENGTH_RATIO_LIMIT * output.height) / output.width;
  const height = Math.min(source.height, Math.max(1, Math.floor(source.width * inverse)));
  return {
    left: Math.floor((source.width - width) / 2),
    top: Math.floor((source.height - height) / 2),
    width,
    height,
  };
}

function coveringSize(source: Size, output: Size): Size {
  if (output.width * source.height >= output.height * source.width) {
    const height = Math.floor((source.height * output.width) / source.width);
    return { width: output.width, height: Math.max(output.height, height) };
  }
  const width = Math.floor((source.width * output.height) / source.height);
  return { width: Math.max(output.width, width), height: output.height };
}

function containedSize(source: Size, output: Size): Size {
  if (output.width * source.height <= output.height * source.width) {
    const height = Math.round((source.height * output.width) / source.width);
    return { width: output.width, height: Math.max(1, Math.min(output.height, height)) };
  }
  const width = Math.round((source.width * output.height) / source.height);
  return { width: Math.max(1, Math.min(output.width, width)), height: output.height };
}

/** `value / 2`, rounded half to even as Python's `round` does. */
function halfToEven(value: number): number {
  return value % 2 === 0 ? value / 2 : 2 * Math.round(value / 4);
}
