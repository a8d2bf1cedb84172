/**
 * Which frames of a clip are sampled: `round(i · (n − 1) / (k − 1))`, so the first and the last are always among them
 * and the rest lie evenly between; one frame alone is the middle one, `floor((n − 1) / 2)`. A clip shorter than what is
 * wanted gives each frame once, in order, and repeats its last.
 *
 * @param frameCount frames of the clip, n ≥ 1
 * @param wanted frames to sample, k ≥ 1
 * @returns k indices from 0 to n − 1, ascending
 */
export function sampleIndices(frameCount: number, wanted: number): number[] {
  if (wanted === 1) return [Math.floor((frameCount - 1) / 2)];
  return Array.from({ length: wanted }, (_, i) =>
    frameCount < wanted ? Math.min(i, frameCount - 1) : Math.round((i * (frameCount - 1)) / (wanted - 1)),
  );
}
