import { planFit } from '../../media/fitting/fit-plan.ts';
import type { Span } from '../../media/fitting/interpolation.ts';
import type { Fit } from '../../media/frames.ts';

interface Size {
  readonly height: number;
  readonly width: number;
}

/** The part of a mask that shows the picture; what reaches beyond the mask was cut off by the fit. */
interface MaskWindow {
  readonly rows: Span;
  readonly columns: Span;
}

/**
 * Where in a mask the picture lies, after it was brought to the model's input: all over it, or inside the padding of
 * `contain`, or beyond its edges for `cover`.
 * @param mask any resolution; it stands for the whole input of the model
 */
export function maskWindow(picture: Size, fit: Fit, mask: Size): MaskWindow {
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
