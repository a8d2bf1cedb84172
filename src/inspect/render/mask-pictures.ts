import sharp from 'sharp';
import { decodeFloat16 } from '../../inference/child/float16.ts';
import type { RgbFrames } from '../../media/frames.ts';

/** A picture and the mask of it as pictures to show; all three have the same size. */
export interface MaskPictures {
  readonly width: number;
  readonly height: number;
  /** JPEG. */
  readonly picture: Buffer;
  /** PNG: the confidence of each pixel in the colours of `HEAT_COLOURS`. */
  readonly heatMap: Buffer;
  /** JPEG: the picture, nearly grey; the pixels that the answer marks are tinted and outlined. */
  readonly overlay: Buffer;
}

interface MaskOptions {
  /** Decoded, as it was sent. */
  readonly picture: RgbFrames;
  /** Little-endian float16, of the picture's size: before the threshold, and as answered. */
  readonly confidences: Buffer;
  readonly answered: Buffer;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

type Colour = readonly [number, number, number];

/** Longest edge of the shown pictures: it shows the marks well, and all three take about 100 kB. */
const SHOWN_EDGE = 512;
/** Colours for confidence 0 to 1, evenly spaced. Lightness always rises, so the map can be read without colours. */
export const HEAT_COLOURS: readonly Colour[] = [
  [13, 12, 38],
  [62, 22, 104],
  [139, 36, 114],
  [209, 67, 85],
  [245, 137, 52],
  [253, 231, 136],
];
export const TINT: Colour = [255, 45, 110];
const TINT_SHARE = 0.5;
/** Share of the picture's colours that is kept in the overlay, so that the tint shows on any picture. */
const COLOUR_SHARE = 0.25;
const OUTLINE_PIXELS = 2;
const MARKED = 128;
const LEVELS = 256;

/** Draws the three pictures, scaled down if they are large. */
export async function drawMaskPictures({
  picture,
  confidences,
  answered,
}: MaskOptions): Promise<MaskPictures> {
  const scale = Math.min(1, SHOWN_EDGE / Math.max(picture.width, picture.height));
  const size: Size = {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
  const pixels = await shrink(picture.data, picture, 3, size);
  const heat = await shrink(
    toBytes(confidences, (value) => value),
    picture,
    1,
    size,
  );
  // Validators count a pixel as marked if its value is above 0.5.
  const marks = await shrink(
    toBytes(answered, (value) => (value > 0.5 ? 1 : 0)),
    picture,
    1,
    size,
  );
  const raw = { raw: { ...size, channels: 3 } } as const;
  return {
    ...size,
    picture: await sharp(pixels, raw).jpeg({ quality: 85 }).toBuffer(),
    heatMap: await sharp(colour(heat), raw).png({ compressionLevel: 9 }).toBuffer(),
    overlay: await sharp(tint(pixels, marks, size), raw)
      .jpeg({ quality: 85 })
      .toBuffer(),
  };
}

/** Little-endian float16 numbers of [0, 1] as levels of 0 to 255. */
function toBytes(float16le: Buffer, reading: (value: number) => number): Buffer {
  const levels = Buffer.alloc(float16le.length / 2);
  for (let index = 0; index < levels.length; index += 1) {
    const value = reading(decodeFloat16(float16le.readUInt16LE(2 * index)));
    levels[index] = Math.round(Math.min(1, Math.max(0, value)) * (LEVELS - 1));
  }
  return levels;
}

async function shrink(data: Buffer, { width, height }: Size, channels: 1 | 3, to: Size): Promise<Buffer> {
  if (to.width === width && to.height === height) return data;
  const source = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  const shrunk = source.resize(to.width, to.height, { fit: 'fill', kernel: 'linear' });
  return (channels === 1 ? shrunk.toColourspace('b-w') : shrunk).raw().toBuffer();
}

function colour(levels: Buffer): Buffer {
  const table = Array.from({ length: LEVELS }, (_, level) => heatColour(level / (LEVELS - 1)));
  const pixels = Buffer.alloc(levels.length * 3);
  levels.forEach((level, index) => {
    pixels.set(table[level] ?? [0, 0, 0], 3 * index);
  });
  return pixels;
}

function heatColour(confidence: number): Colour {
  const position = confidence * (HEAT_COLOURS.length - 1);
  const below = HEAT_COLOURS[Math.floor(position)] ?? [0, 0, 0];
  const above = HEAT_COLOURS[Math.ceil(position)] ?? below;
  return blend(below, above, position - Math.floor(position));
}

function tint(pixels: Buffer, marks: Buffer, size: Size): Buffer {
  const tinted = Buffer.alloc(pixels.length);
  for (let index = 0; index < marks.length; index += 1) {
    const own: Colour = [pixels[3 * index] ?? 0, pixels[3 * index + 1] ?? 0, pixels[3 * index + 2] ?? 0];
    const light = 0.3 * own[0] + 0.59 * own[1] + 0.11 * own[2];
    const pale = blend([light, light, light], own, COLOUR_SHARE);
    const isMarked = (marks[index] ?? 0) >= MARKED;
    const share = !isMarked ? 0 : isEdge(marks, index, size) ? 1 : TINT_SHARE;
    tinted.set(blend(pale, TINT, share), 3 * index);
  }
  return tinted;
}

/** Whether a marked pixel has a neighbour that is not marked. */
function isEdge(marks: Buffer, index: number, { width, height }: Size): boolean {
  const [row, column] = [Math.floor(index / width), index % width];
  for (let y = row - OUTLINE_PIXELS; y <= row + OUTLINE_PIXELS; y += 1) {
    for (let x = column - OUTLINE_PIXELS; x <= column + OUTLINE_PIXELS; x += 1) {
      const inside = x >= 0 && y >= 0 && x < width && y < height;
      if (inside && (marks[y * width + x] ?? 0) < MARKED) return true;
    }
  }
  return false;
}

function blend(from: Colour, to: Colour, share: number): Colour {
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(from[channel] + (to[channel] - from[channel]) * share);
  return [mix(0), mix(1), mix(2)];
}
