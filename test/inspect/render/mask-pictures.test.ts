import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeFloat16 } from '../../../src/inference/child/float16.ts';
import { drawMaskPictures, HEAT_COLOURS, TINT } from '../../../src/inspect/render/mask-pictures.ts';

/** Little-endian float16 of a picture, from the confidence of each place. */
function mask(width: number, height: number, at: (x: number, y: number) => number): Buffer {
  const bytes = Buffer.alloc(width * height * 2);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) bytes.writeUInt16LE(encodeFloat16(at(x, y)), 2 * (y * width + x));
  }
  return bytes;
}

async function pixelsOf(file: Buffer) {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    info,
    at: (x: number, y: number) => [...data.subarray(3 * (y * info.width + x), 3 * (y * info.width + x) + 3)],
  };
}

describe('the pictures of a mask', () => {
  const [width, height] = [60, 40];
  const picture = { data: Buffer.alloc(width * height * 3, 100), count: 1, width, height };
  const draw = () =>
    drawMaskPictures({
      picture,
      confidences: mask(width, height, (x) => (x < 20 ? 0 : x < 40 ? 0.4 : 1)),
      answered: mask(width, height, (x) => (x < 40 ? 0 : 1)),
    });

  it('the heat map shows each confidence in its colour, from the first to the last', async () => {
    const { at } = await pixelsOf((await draw()).heatMap);
    expect(at(5, 5)).toEqual([...(HEAT_COLOURS[0] ?? [])]);
    expect(at(30, 5)).toEqual([...(HEAT_COLOURS[2] ?? [])]);
    expect(at(55, 5)).toEqual([...(HEAT_COLOURS.at(-1) ?? [])]);
  });

  it('the overlay tints and outlines the pixels that the answer marks, and no others', async () => {
    const { at } = await pixelsOf((await draw()).overlay);
    const reddish = ([red = 0, green = 0]: number[]) => red - green;
    const [plain, edge, marked] = [at(10, 20), at(40, 20), at(52, 20)];
    expect(Math.abs(reddish(plain))).toBeLessThan(12);
    expect(reddish(marked)).toBeGreaterThan(50);
    expect(reddish(edge)).toBeGreaterThan(reddish(marked));
    expect(reddish([...TINT])).toBeGreaterThan(reddish(marked));
  });

  it('large pictures of a mask are all scaled down to one size, and keep their shape', async () => {
    const [large, tall] = [1500, 3000];
    const pictures = await drawMaskPictures({
      picture: { data: Buffer.alloc(large * tall * 3), count: 1, width: large, height: tall },
      confidences: mask(large, tall, () => 0.5),
      answered: mask(large, tall, () => 0),
    });
    for (const file of [pictures.picture, pictures.heatMap, pictures.overlay]) {
      expect(await sharp(file).metadata()).toMatchObject({ width: 256, height: 512 });
    }
    expect([pictures.width, pictures.height]).toEqual([256, 512]);
  });
});
