import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Region } from '../../../src/media/fitting/fit-plan.ts';
import { resample } from '../../../src/media/fitting/resample.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Every byte differs from its neighbours: 7919 i³ + 104729 i, the eight bits above the lowest eight. */
function scramble({ width, height }: Size): Buffer {
  return Buffer.from(
    Array.from({ length: width * height * 3 }, (_, i) => {
      const square = (i * i) % 65_536;
      return (((7919 * ((square * i) % 65_536) + 104_729 * i) % 65_536) >> 8) & 0xff;
    }),
  );
}

function whole({ width, height }: Size): Region {
  return { left: 0, top: 0, width, height };
}

function resize(from: Size, to: Size, window = whole(to), signal?: AbortSignal): Promise<Buffer> {
  const resampling = { source: whole(from), resized: to, window };
  return resample({ data: scramble(from), ...from }, resampling, signal);
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16);
}

// The hashes are those of Image.fromarray(…).resize(to, Image.BILINEAR).tobytes() of Pillow 13.0.
it.each([
  ['shrinks', { width: 37, height: 53 }, { width: 20, height: 31 }, '0cfb466531a4b712'],
  ['shrinks by much', { width: 300, height: 200 }, { width: 7, height: 5 }, '13f57531061d3d8f'],
  ['shrinks one edge only', { width: 64, height: 64 }, { width: 30, height: 64 }, '940c1b1ea8c29a83'],
  ['enlarges', { width: 50, height: 40 }, { width: 80, height: 90 }, 'bc98e84e3eafc964'],
  [
    'resampling shrinks columns and enlarges rows',
    { width: 100, height: 7 },
    { width: 33, height: 21 },
    '3acfc3316dc8a0e5',
  ],
  [
    'resampling leaves a picture of the right size unchanged',
    { width: 9, height: 8 },
    { width: 9, height: 8 },
    'ef5119e88b4efbe7',
  ],
] as const)('%s as Pillow does, bit for bit', async (_, from, to, hash) => {
  expect(sha256(await resize(from, to))).toBe(hash);
});

it('resampling gives the wanted part of the whole result', async () => {
  const [from, to] = [
    { width: 60, height: 45 },
    { width: 28, height: 21 },
  ];
  const all = await resize(from, to);
  const part = await resize(from, to, { left: 5, top: 3, width: 12, height: 9 });
  const rows = Array.from({ length: 9 }, (_, row) => all.subarray((3 + row) * 84 + 15, (3 + row) * 84 + 51));
  expect(part.equals(Buffer.concat(rows))).toBe(true);
});

it('resampling reads only the resized part of the source', async () => {
  const picture = { data: scramble({ width: 30, height: 20 }), width: 30, height: 20 };
  const source = { left: 4, top: 6, width: 16, height: 12 };
  const rows = Array.from({ length: 12 }, (_, row) =>
    picture.data.subarray(((6 + row) * 30 + 4) * 3, ((6 + row) * 30 + 20) * 3),
  );
  const resampling = { resized: { width: 9, height: 7 }, window: whole({ width: 9, height: 7 }) };
  const cut = await resample(
    { data: Buffer.concat(rows), width: 16, height: 12 },
    { ...resampling, source: whole(source) },
  );
  expect((await resample(picture, { ...resampling, source })).equals(cut)).toBe(true);
});

it('resampling ends when it is aborted', async () => {
  const aborted = AbortSignal.abort(new Error('too late'));
  const size = { width: 40, height: 40 };
  await expect(resize(size, { width: 20, height: 20 }, undefined, aborted)).rejects.toThrow('too late');
});
