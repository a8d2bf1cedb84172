import { describe, expect, it } from 'vitest';
import { fitFrames } from '../../../src/media/fitting/fit-frames.ts';
import { planFit } from '../../../src/media/fitting/fit-plan.ts';
import type { RgbFrames } from '../../../src/media/frames.ts';
import { makePixels } from '../../fixtures/media.ts';

/** Frames of grey columns: every row of a frame is the same. */
function columns(values: readonly number[], height: number): RgbFrames {
  const row = values.flatMap((value) => [value, value, value]);
  return {
    data: Buffer.from(Array(height).fill(row).flat()),
    count: 1,
    height,
    width: values.length,
  };
}

function redOfRow({ data, width }: RgbFrames, row: number): number[] {
  return Array.from({ length: width }, (_, x) => data[(row * width + x) * 3] ?? -1);
}

describe('planning a fit', () => {
  it('planning a fit covers by the shortest edge, rounding as torchvision does', () => {
    expect(planFit(1280, 720, { mode: 'cover', width: 224, height: 224 })).toEqual({
      source: { left: 0, top: 0, width: 1280, height: 720 },
      resized: { width: 398, height: 224 },
      output: { width: 224, height: 224 },
      offset: { left: -87, top: 0 },
    });
    // 227 − 224 = 3: the corner at 1.5 goes to the even 2; 225 − 224 = 1: the corner at 0.5 goes to 0.
    expect(planFit(224, 227, { mode: 'cover', width: 224, height: 224 }).offset).toEqual({
      left: 0,
      top: -2,
    });
    expect(planFit(225, 224, { mode: 'cover', width: 224, height: 224 }).offset.left).toBe(0);
  });

  it('planning a fit contains by the longest edge, in the middle', () => {
    expect(planFit(1280, 720, { mode: 'contain', width: 224, height: 224 })).toMatchObject({
      resized: { width: 224, height: 126 },
      offset: { left: 0, top: 49 },
    });
    expect(planFit(3, 3000, { mode: 'contain', width: 100, height: 100 }).resized).toEqual({
      width: 1,
      height: 100,
    });
  });

  it('planning a fit never lets a long thin picture grow without bound', () => {
    for (const [width, height] of [
      [30_000, 1],
      [1, 30_000],
      [65_500, 3],
    ] as const) {
      const { source, resized } = planFit(width, height, { mode: 'cover', width: 224, height: 160 });
      expect(resized.width * resized.height).toBeLessThanOrEqual(224 * 160 * 17);
      expect(source.left).toBe(Math.floor((width - source.width) / 2));
      expect(source.top).toBe(Math.floor((height - source.height) / 2));
    }
  });
});

describe('fitting frames', () => {
  it('fitting frames leaves frames alone at native size', async () => {
    const frames = columns([1, 2, 3], 2);
    expect(await fitFrames(frames, { mode: 'native' })).toBe(frames);
  });

  it('fitting frames halves by an antialiased triangle', async () => {
    const halved = await fitFrames(columns([0, 0, 0, 0, 80, 80, 80, 80], 8), {
      mode: 'stretch',
      width: 4,
      height: 4,
    });
    // Weights 1 3 3 1 over 8: one in eight crosses the edge.
    expect(redOfRow(halved, 1)).toEqual([0, 10, 70, 80]);
  });

  it('fitting frames enlarges between pixel centres', async () => {
    const doubled = await fitFrames(columns([0, 40, 80, 120], 2), { mode: 'stretch', width: 8, height: 4 });
    expect(redOfRow(doubled, 3)).toEqual([0, 10, 30, 50, 70, 90, 110, 120]);
  });

  it('fitting frames shrinks one side and enlarges the other', async () => {
    const mixed = await fitFrames(columns([0, 0, 0, 0, 80, 80, 80, 80], 2), {
      mode: 'stretch',
      width: 4,
      height: 5,
    });
    expect(mixed).toMatchObject({ width: 4, height: 5 });
    expect(redOfRow(mixed, 4)).toEqual([0, 10, 70, 80]);
  });

  it('fitting frames crops the middle for cover', async () => {
    const fitted = await fitFrames(columns([1, 2, 3, 4, 5, 6], 2), { mode: 'cover', width: 2, height: 2 });
    expect(redOfRow(fitted, 0)).toEqual([3, 4]);
  });

  it.each([
    ['wide', 6, 2, [3, 4]],
    ['high', 2, 6, [1, 2]],
  ] as const)('crops a %s picture whose shortest edge fits already', async (_, width, height, row) => {
    const picture = columns([1, 2, 3, 4, 5, 6].slice(0, width), height);
    const fitted = await fitFrames(picture, { mode: 'cover', width: 2, height: 2 });
    expect(fitted).toMatchObject({ width: 2, height: 2 });
    expect(fitted.data).toHaveLength(2 * 2 * 3);
    expect(redOfRow(fitted, 1)).toEqual(row);
  });

  it('fitting frames pads with black for contain', async () => {
    const fitted = await fitFrames(columns([9, 9, 9, 9], 2), { mode: 'contain', width: 4, height: 4 });
    expect([0, 1, 2, 3].map((row) => redOfRow(fitted, row))).toEqual([
      [0, 0, 0, 0],
      [9, 9, 9, 9],
      [9, 9, 9, 9],
      [0, 0, 0, 0],
    ]);
  });

  it('fitting frames treats each frame by itself', async () => {
    const size = { width: 50, height: 30, seed: 1 };
    const frames = [0, 1, 2].map((frame) => makePixels(size, frame));
    const fit = { mode: 'cover', width: 16, height: 16 } as const;
    const together = await fitFrames({ data: Buffer.concat(frames), count: 3, ...size }, fit);
    const apart = await Promise.all(frames.map((data) => fitFrames({ data, count: 1, ...size }, fit)));
    expect(together).toMatchObject({ count: 3, width: 16, height: 16 });
    expect(together.data.equals(Buffer.concat(apart.map(({ data }) => data)))).toBe(true);
  });

  it('fitting frames refuses a result that would not fit in memory', async () => {
    await expect(
      fitFrames(columns([1], 1), { mode: 'stretch', width: 20_000, height: 20_000 }),
    ).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' });
  });

  it('fitting frames stops when it is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('too late');
    const fitting = fitFrames(columns([1, 2], 2), { mode: 'stretch', width: 400, height: 400 }, controller);
    controller.abort(reason);
    await expect(fitting).rejects.toBe(reason);
  });
});
