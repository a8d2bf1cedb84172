/** For each output position along one edge: the two input positions around it, and the weight of the second. */
export interface Interpolation {
  readonly lower: Uint32Array;
  readonly upper: Uint32Array;
  /** In [0, 1). */
  readonly weight: Float64Array;
}

/**
 * A part of an edge, in pixels: pixel i reaches from i to i + 1. It may begin and end within a pixel, or beyond the
 * edge.
 */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** The rounding error of a position that is meant to be the edge of a pixel. */
const ROUNDING = 1e-9;

/**
 * Linear interpolation between pixel centres, edges repeated, as Pillow and torchvision do when they enlarge.
 * @param from input positions, ≥ 1
 * @param to output positions, ≥ 1
 * @param span the part of the input that the output shows; pixels outside it are not used
 */
export function interpolate(
  from: number,
  to: number,
  span: Span = { start: 0, length: from },
): Interpolation {
  const lower = new Uint32Array(to);
  const upper = new Uint32Array(to);
  const weight = new Float64Array(to);
  const { first, last } = wholePixels(from, span);
  for (let i = 0; i < to; i++) {
    const position = clamp(span.start + ((i + 0.5) * span.length) / to - 0.5, first, last);
    lower[i] = Math.floor(position);
    upper[i] = Math.min(last, Math.floor(position) + 1);
    weight[i] = position - Math.floor(position);
  }
  return { lower, upper, weight };
}

/** The input pixel that holds each output position's centre, in the form of an interpolation. */
export function pickNearest(
  from: number,
  to: number,
  span: Span = { start: 0, length: from },
): Interpolation {
  const { first, last } = wholePixels(from, span);
  const picked = Uint32Array.from({ length: to }, (_, i) =>
    clamp(Math.floor(span.start + ((i + 0.5) * span.length) / to), first, last),
  );
  return { lower: picked, upper: picked, weight: new Float64Array(to) };
}

/** The value between `a` (weight 0) and `b` (weight 1). */
export function mix(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}

/** The pixels that lie wholly within a span; the pixel in its middle if there is none. */
function wholePixels(
  from: number,
  { start, length }: Span,
): { readonly first: number; readonly last: number } {
  const first = Math.max(0, Math.ceil(start - ROUNDING));
  const last = Math.min(from, Math.floor(start + length + ROUNDING)) - 1;
  if (first <= last) return { first, last };
  const middle = clamp(Math.floor(start + length / 2), 0, from - 1);
  return { first: middle, last: middle };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
