import { describe, expect, it } from 'vitest';
import { sampleIndices } from '../../../src/media/clips/sample-indices.ts';

describe('the frames sampled from a clip', () => {
  it('the frames sampled from a clip include the first and the last, evenly spread between', () => {
    expect(sampleIndices(144, 4)).toEqual([0, 48, 95, 143]);
    expect(sampleIndices(54, 3)).toEqual([0, 27, 53]);
  });

  it('all frames are sampled if as many are wanted', () => {
    expect(sampleIndices(5, 5)).toEqual([0, 1, 2, 3, 4]);
  });

  it('the middle frame is sampled if one is wanted', () => {
    expect(sampleIndices(1, 1)).toEqual([0]);
    expect(sampleIndices(6, 1)).toEqual([2]);
    expect(sampleIndices(7, 1)).toEqual([3]);
  });

  it('the last frame of a clip that is too short is repeated', () => {
    expect(sampleIndices(3, 6)).toEqual([0, 1, 2, 2, 2, 2]);
    expect(sampleIndices(1, 3)).toEqual([0, 0, 0]);
  });

  it('the frames sampled from a clip are distinct and ascending whenever the clip is long enough', () => {
    for (let frames = 2; frames <= 160; frames++) {
      for (const wanted of [2, 3, 8, 16, 32].filter((count) => count <= frames)) {
        const indices = sampleIndices(frames, wanted);
        expect(indices).toHaveLength(wanted);
        expect(new Set(indices).size).toBe(wanted);
        expect(indices).toEqual(indices.toSorted((a, b) => a - b));
        expect([indices[0], indices.at(-1)]).toEqual([0, frames - 1]);
      }
    }
  });

  it('a stride samples every nth frame from the first on', () => {
    expect(sampleIndices(144, 4, 1)).toEqual([0, 1, 2, 3]);
    expect(sampleIndices(144, 4, 6)).toEqual([0, 6, 12, 18]);
    expect(sampleIndices(144, 1, 6)).toEqual([0]);
  });

  it('a stride that is too long for a clip is shortened', () => {
    expect(sampleIndices(19, 4, 6)).toEqual([0, 6, 12, 18]);
    expect(sampleIndices(18, 4, 6)).toEqual([0, 5, 10, 15]);
    expect(sampleIndices(5, 4, 6)).toEqual([0, 1, 2, 3]);
    expect(sampleIndices(2, 4, 6)).toEqual([0, 1, 1, 1]);
  });
});
