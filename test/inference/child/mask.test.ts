import { describe, expect, it } from 'vitest';
import { decodeFloat16 } from '../../../src/inference/child/float16.ts';
import { encodeMask } from '../../../src/inference/child/mask.ts';
import { fitFrames } from '../../../src/media/fitting/fit-frames.ts';
import type { Fit } from '../../../src/media/frames.ts';

type Size = { readonly height: number; readonly width: number };
type Reading = Parameters<typeof encodeMask>[4];

const hard = (threshold: number) => ({ mode: 'hard', threshold }) as const;
const plain: Reading = { activation: 'none', resize: 'bilinear', hardness: hard(0.5) };

/** A mask of one channel; pictures are stretched for the model by default. */
function encode(values: ArrayLike<number>, from: Size, to: Size, reading = plain, fit?: Fit): Buffer {
  const place = { ...from, channels: 1, interleaved: false } as const;
  return encodeMask(values, place, to, fit ?? { mode: 'stretch', ...from }, reading);
}

function bits(mask: Buffer): number[] {
  return Array.from({ length: mask.length / 2 }, (_, index) => mask.readUInt16LE(index * 2));
}

function numbers(mask: Buffer): number[] {
  return bits(mask).map(decodeFloat16);
}

describe('a mask', () => {
  it('a mask is zeros and ones in little-endian float16, row by row', () => {
    const mask = encode(
      [0.9, 0.1, 0.2, 0.8, 0.7, 0.3],
      { height: 2, width: 3 },
      { height: 2, width: 3 },
      plain,
    );
    expect(mask.toString('hex')).toBe('003c00000000003c003c0000');
  });

  it('a pixel is set strictly above the threshold', () => {
    const size = { height: 1, width: 3 };
    expect(bits(encode([0.5, 0.5001, 0.4999], size, size, plain))).toEqual([0, 0x3c00, 0]);
    expect(bits(encode([0.5, 0.8, 0.9], size, size, { ...plain, hardness: hard(0.8) }))).toEqual([
      0, 0, 0x3c00,
    ]);
  });

  it('a mask is interpolated between the centres of pixels before the threshold', () => {
    // From 0 at x = 0.5 to 1 at x = 1.5 of two columns: of eight columns, half are above one half.
    const mask = encode([0, 1], { height: 1, width: 2 }, { height: 1, width: 8 }, plain);
    expect(bits(mask).map(Boolean)).toEqual([false, false, false, false, true, true, true, true]);
    // At a threshold of 0.8 one more is below: columns lie at 0, 0, 1/8, 3/8, 5/8, 7/8, 1, 1 of the way.
    const strict = encode(
      [0, 1],
      { height: 1, width: 2 },
      { height: 1, width: 8 },
      { ...plain, hardness: hard(0.8) },
    );
    expect(bits(strict).map(Boolean)).toEqual([false, false, false, false, false, true, true, true]);
  });

  it('rows and columns are not mixed up in pictures that are not square', () => {
    const mask = encode([1, 1, 0, 0], { height: 2, width: 2 }, { height: 3, width: 5 }, plain);
    expect(bits(mask).map(Boolean)).toEqual([
      ...Array(5).fill(true),
      ...Array(5).fill(false),
      ...Array(5).fill(false),
    ]);
  });

  it('a mask can be smaller than the output of the model', () => {
    const size = { height: 1, width: 2 };
    expect(bits(encode([1, 1, 1, 0, 0, 0], { height: 1, width: 6 }, size, plain))).toEqual([0x3c00, 0]);
    expect(encode([1, 1, 1, 1], { height: 2, width: 2 }, { height: 1, width: 1 }, plain)).toHaveLength(2);
  });

  it('a mask of logits is their sigmoid', () => {
    const size = { height: 1, width: 4 };
    const mask = encode([-100, -0.1, 0.1, 100], size, size, { ...plain, activation: 'sigmoid' });
    expect(bits(mask)).toEqual([0, 0, 0x3c00, 0x3c00]);
  });

  it('a mask of two channels of logits is the softmax of the second, in every layout', () => {
    const from = { height: 1, width: 3 };
    const [others, altered] = [
      [2, 0, -7],
      [1, 1, 0],
    ];
    const soft: Reading = { activation: 'softmax', resize: 'bilinear', hardness: { mode: 'soft' } };
    const expected = [-1, 1, 7].map((difference) => expect.closeTo(1 / (1 + Math.exp(-difference)), 3));
    const planes = { ...from, channels: 2, interleaved: false } as const;
    const fit = { mode: 'stretch', ...from } as const;
    expect(numbers(encodeMask([...others, ...altered], planes, from, fit, soft))).toEqual(expected);
    const mixed = others.flatMap((other, index) => [other, altered[index] ?? 0]);
    expect(numbers(encodeMask(mixed, { ...planes, interleaved: true }, from, fit, soft))).toEqual(expected);
  });

  it('a soft mask holds confidences of [0, 1]', () => {
    const size = { height: 1, width: 5 };
    const soft: Reading = { ...plain, hardness: { mode: 'soft' } };
    const mask = encode([-0.005, 0.25, 0.5, 0.7, 1.004], size, size, soft);
    expect(numbers(mask)).toEqual([0, 0.25, 0.5, expect.closeTo(0.7, 3), 1]);
    expect(numbers(encode([0, 1], { height: 1, width: 2 }, { height: 1, width: 4 }, soft))).toEqual([
      0, 0.25, 0.75, 1,
    ]);
  });

  it('a mask takes the nearest pixel if model.json says so', () => {
    const soft: Reading = { ...plain, resize: 'nearest', hardness: { mode: 'soft' } };
    const mask = encode([0, 0.25, 1], { height: 1, width: 3 }, { height: 1, width: 6 }, soft);
    expect(numbers(mask)).toEqual([0, 0, 0.25, 0.25, 1, 1]);
    expect(numbers(encode([0, 0.25, 1], { height: 1, width: 3 }, { height: 1, width: 1 }, soft))).toEqual([
      0.25,
    ]);
  });

  it('a mask with a value that is no confidence is refused', () => {
    const size = { height: 1, width: 1 };
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -3, 17]) {
      expect(() => encode([value], size, size, plain)).toThrow(
        expect.objectContaining({ code: 'INFERENCE_FAILED' }),
      );
    }
    expect(() => encode([1, 1], size, size, plain)).toThrow(
      expect.objectContaining({ code: 'INFERENCE_FAILED' }),
    );
  });
});

describe('a mask of a picture that was fitted', () => {
  const soft: Reading = { ...plain, hardness: { mode: 'soft' } };
  const rows = (mask: Buffer, width: number) =>
    Array.from({ length: mask.length / 2 / width }, (_, row) =>
      numbers(mask).slice(row * width, (row + 1) * width),
    );

  it('padding is cut off a mask again, and does not mix in', () => {
    // 4 × 2 pixels lie in rows 1 and 2 of 4; the padding is marked, as no model should.
    const fit = { mode: 'contain', height: 4, width: 4 } as const;
    const values = [1, 1, 1, 1, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5, 1, 1, 1, 1];
    const picture = { height: 2, width: 4 };
    expect(rows(encode(values, { height: 4, width: 4 }, picture, soft, fit), 4)).toEqual([
      [0, 0, 0.5, 0.5],
      [0, 0, 0.5, 0.5],
    ]);
    // Enlarged beyond the model's size, still none of the padding.
    const large = encode(values, { height: 4, width: 4 }, { height: 20, width: 40 }, soft, fit);
    expect(Math.max(...numbers(large))).toBe(0.5);
    expect(rows(large, 40).every((row) => row[0] === 0 && row[39] === 0.5)).toBe(true);
    // Upright pictures have theirs at the sides.
    const upright = values.map((_, index) => values[(index % 4) * 4 + Math.floor(index / 4)] ?? 0);
    const mask = encode(upright, { height: 4, width: 4 }, { height: 4, width: 2 }, soft, fit);
    expect(rows(mask, 2)).toEqual([
      [0, 0],
      [0, 0],
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
  });

  it('a padded picture is found in a mask of a lower resolution than the input', () => {
    // 100 × 50 in 100 × 100: the picture is rows 25 to 75, and a mask of 4 × 4 has it in its two rows in the middle.
    const fit = { mode: 'contain', height: 100, width: 100 } as const;
    const values = [1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1];
    const mask = encode(values, { height: 4, width: 4 }, { height: 50, width: 100 }, plain, fit);
    const half = rows(mask, 100);
    expect(half.every((row) => row.every((value, column) => value === (column < 50 ? 0 : 1)))).toBe(true);
  });

  it('a padded picture that is a sliver still has its pixels', () => {
    const fit = { mode: 'contain', height: 4, width: 4 } as const;
    const values = Array.from({ length: 16 }, (_, index) => (Math.floor(index / 4) === 1 ? 0.25 : 1));
    // 1000 × 1 becomes 4 × 1 in row 1; at a fourth of the resolution no pixel of the mask is the picture's alone.
    const thin = encode(values, { height: 4, width: 4 }, { height: 1, width: 1000 }, soft, fit);
    expect(new Set(numbers(thin))).toEqual(new Set([0.25]));
    const coarse = encode([0.75], { height: 1, width: 1 }, { height: 1, width: 1000 }, soft, fit);
    expect(new Set(numbers(coarse))).toEqual(new Set([0.75]));
  });

  it('the mask of a cropped picture is 0 where the model saw nothing, and in its place elsewhere', () => {
    // Of 8 × 4 pixels the 4 × 4 in the middle were seen.
    const fit = { mode: 'cover', height: 4, width: 4 } as const;
    const values = Array.from({ length: 16 }, (_, index) => (index % 4 < 2 ? 1 : 0.5));
    const mask = encode(values, { height: 4, width: 4 }, { height: 4, width: 8 }, soft, fit);
    expect(rows(mask, 8)).toEqual(Array(4).fill([0, 0, 1, 1, 0.5, 0.5, 0, 0]));
    const upright = encode(Array(16).fill(1), { height: 4, width: 4 }, { height: 16, width: 8 }, plain, fit);
    expect(rows(upright, 8).map(([first]) => first)).toEqual([
      ...Array(4).fill(0),
      ...Array(8).fill(1),
      ...Array(4).fill(0),
    ]);
  });

  it('the mask of a cropped strip is in its place, although most of the strip was cut off before resizing', () => {
    const fit = { mode: 'cover', height: 4, width: 4 } as const;
    const mask = encode(Array(16).fill(1), { height: 4, width: 4 }, { height: 4, width: 1000 }, plain, fit);
    const marked = numbers(mask.subarray(0, 2000)).flatMap((value, column) => (value === 1 ? [column] : []));
    expect(marked).toEqual([498, 499, 500, 501]);
  });

  it.each(['contain', 'cover', 'stretch'] as const)(
    'a mask of a picture that was fitted by %s is in its place',
    async (mode) => {
      // A picture with a red block goes the whole way: fitted, its red taken for the mask, brought back.
      const [height, width] = [60, 100];
      const data = Buffer.alloc(height * width * 3);
      const inside = (row: number, column: number) => row >= 15 && row < 45 && column >= 30 && column < 60;
      for (let row = 0; row < height; row += 1) {
        for (let column = 0; column < width; column += 1) {
          if (inside(row, column)) data[(row * width + column) * 3] = 255;
        }
      }
      const fit = { mode, height: 48, width: 48 } as const;
      const fitted = await fitFrames({ data, count: 1, height, width }, fit);
      const red = Array.from({ length: 48 * 48 }, (_, index) => (fitted.data[index * 3] ?? 0) / 255);
      const mask = numbers(encode(red, { height: 48, width: 48 }, { height, width }, plain, fit));
      let [both, either] = [0, 0];
      mask.forEach((value, index) => {
        const truth = inside(Math.floor(index / width), index % width);
        if (truth && value === 1) both += 1;
        if (truth || value === 1) either += 1;
      });
      expect(both / either).toBeGreaterThan(0.94);
    },
  );
});
