/**
 * How frames of a clip are chosen.
 * - `even`: spread over the whole clip
 * - a number n ≥ 1: every nth frame, from the first on
 */
export type FrameStride = 'even' | number;

/**
 * The frames of a clip to sample. `even` is `round(i · (n − 1) / (k − 1))`, which always includes the first and the
 * last frame; for one frame it is the middle one, `floor((n − 1) / 2)`. A stride s is `i · s`, or the largest stride
 * that fits if the clip is too short. A clip with fewer frames than `wanted` gives each frame once, in order, and
 * repeats its last.
 *
 * @param frameCount frames of the clip, n ≥ 1
 * @param wanted frames to sample, k ≥ 1
 * @returns k indices from 0 to n − 1, ascending
 */
export function sampleIndices(frameCount: number, wanted: number, stride: FrameStride = 'even'): number[] {
  const last = frameCount - 1;
  const each = (indexOf: (i: number) => number): number[] =>
    Array.from({ length: wanted }, (_, i) => indexOf(i));
  if (frameCount < wanted) return each((i) => Math.min(i, last));
  if (stride !== 'even') {
    const fitting = wanted === 1 ? 1 : Math.max(1, Math.min(stride, Math.floor(last / (wanted - 1))));
    return each((i) => i * fitting);
  }
  return wanted === 1 ? [Math.floor(last / 2)] : each((i) => Math.round((i * last) / (wanted - 1)));
}
