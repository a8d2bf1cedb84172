/** For each output position along one edge: the two input positions around it, and the weight of the second. */
export interface Interpolation {
  readonly lower: Uint32Array;
  readonly upper: Uint32Array;
  /** In [0, 1). */
  readonly weight: Float64Array;
}

/**
 * Linear interpolation between pixel centres, edges repeated, as Pillow and torchvision do when they enlarge.
 * @param from input positions, ≥ 1
 * @param to output positions, ≥ 1
 */
export function interpolate(from: number, to: number): Interpolation {
  const lower = new Uint32Array(to);
  const upper = new Uint32Array(to);
  const weight = new Float64Array(to);
  for (let i = 0; i < to; i++) {
    const position = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    lower[i] = Math.floor(position);
    upper[i] = Math.min(from - 1, Math.floor(position) + 1);
    weight[i] = position - Math.floor(position);
  }
  return { lower, upper, weight };
}

/** The value between `a` (weight 0) and `b` (weight 1). */
export function mix(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}
