import sharp, { type JpegOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { readAvifHeader } from '../../src/media/headers/avif.ts';
import { readGifHeader } from '../../src/media/headers/gif.ts';
import { countJpegScans, readJpegHeader } from '../../src/media/headers/jpeg.ts';
import { readPngHeader } from '../../src/media/headers/png.ts';
import { readTiffHeader } from '../../src/media/headers/tiff.ts';
import { readWebpHeader } from '../../src/media/headers/webp.ts';
import { assertFewScans, judgePicture } from '../../src/media/judge-picture.ts';
import { makeCroppedAvif } from '../fixtures/cropped-avif.ts';
import { makePixels } from '../fixtures/media.ts';
import { usePictureDecoder } from '../fixtures/picture-decoder.ts';
import { makeScannedJpeg } from '../fixtures/scanned-jpeg.ts';

const decoder = usePictureDecoder();
const { signal } = new AbortController();
const asItIs = { fit: { mode: 'native' }, signal } as const;
const SIZE = { width: 161, height: 97 };
const PIXELS = SIZE.width * SIZE.height;
const picture = () => sharp(makePixels({ ...SIZE, seed: 3 }), { raw: { ...SIZE, channels: 3 } });
const clear = () => picture().ensureAlpha(0.5);
const frames = () =>
  sharp(makePixels({ width: 161, height: 194, seed: 3 }), {
    raw: { width: 161, height: 194, channels: 3, pageHeight: 97 },
  });

const refusal = (bytes: Buffer): unknown => {
  try {
    return judgePicture(bytes);
  } catch (error) {
    return error;
  }
};

describe('the header of a picture', () => {
  it.each([
    ['JPEG', readJpegHeader, () => picture().jpeg()],
    ['grey JPEG', readJpegHeader, () => picture().greyscale().jpeg()],
    ['JPEG with a colour profile', readJpegHeader, () => picture().withIccProfile('p3').jpeg()],
    ['progressive JPEG', readJpegHeader, () => picture().jpeg({ progressive: true })],
    ['CMYK JPEG', readJpegHeader, () => picture().toColourspace('cmyk').jpeg()],
    ['PNG', readPngHeader, () => picture().png()],
    ['interlaced PNG', readPngHeader, () => clear().png({ progressive: true })],
    ['WebP', readWebpHeader, () => picture().webp()],
    ['WebP with transparency', readWebpHeader, () => clear().webp()],
    ['lossless WebP', readWebpHeader, () => picture().webp({ lossless: true })],
    ['moving WebP', readWebpHeader, () => frames().webp()],
    ['GIF', readGifHeader, () => picture().gif()],
    ['moving GIF', readGifHeader, () => frames().gif()],
    ['TIFF', readTiffHeader, () => picture().tiff()],
    ['TIFF of tiles', readTiffHeader, () => picture().tiff({ tile: true, tileWidth: 64, tileHeight: 64 })],
    ['BigTIFF', readTiffHeader, () => picture().tiff({ bigtiff: true })],
    ['AVIF', readAvifHeader, () => picture().avif()],
    ['AVIF with transparency', readAvifHeader, () => clear().avif()],
    ['AVIF of 12 bits', readAvifHeader, () => picture().avif({ bitdepth: 12 })],
  ])('says how large it is: %s', async (_, read, make) => {
    const bytes = await make().toBuffer();
    expect(read(bytes)).toMatchObject(SIZE);
    expect(judgePicture(bytes)).toBeLessThan(PIXELS * 60 + bytes.length);
    expect((await decoder.decode(bytes, asItIs)).source).toEqual(SIZE);
  });

  it.each([
    ['jpeg', readJpegHeader],
    ['png', readPngHeader],
    ['webp', readWebpHeader],
    ['gif', readGifHeader],
    ['tiff', readTiffHeader],
    ['avif', readAvifHeader],
  ] as const)('may be cut anywhere: %s', async (format, read) => {
    const bytes = await picture().toFormat(format).toBuffer();
    for (let length = 0; length < Math.min(bytes.length, 1000); length++) {
      const found = read(bytes.subarray(0, length));
      if (found !== undefined) expect(found.memoryBytes).toBeGreaterThan(0);
    }
  });

  it('counts the memory that coefficients take, for progressive JPEGs alone', async () => {
    const memoryOf = async (options: JpegOptions) =>
      (readJpegHeader(await picture().jpeg(options).toBuffer())?.memoryBytes ?? 0) / PIXELS;
    expect(await memoryOf({})).toBeCloseTo(4);
    expect(await memoryOf({ progressive: true, chromaSubsampling: '4:4:4' })).toBeGreaterThan(10);
  });

  it('counts the memory of a strip that is as high as its picture, and of wide tiles', async () => {
    const tiles = await picture().tiff({ tile: true, tileWidth: 1024, tileHeight: 1024 }).toBuffer();
    expect(readTiffHeader(tiles)?.memoryBytes).toBe(PIXELS * 4 + 1024 * 1024 * 3 * 2);
  });
});

describe('a GIF whose screen is far larger than its frame', () => {
  it('has the size of its frame, as libvips sees it', async () => {
    const gif = await picture().gif().toBuffer();
    gif.writeUInt16LE(65_535, 6);
    gif.writeUInt16LE(65_535, 8);
    expect(readGifHeader(gif)).toMatchObject(SIZE);
    expect((await decoder.decode(gif, asItIs)).source).toEqual(SIZE);
  });

  it('is refused by the size of its frame', async () => {
    const gif = await picture().gif().toBuffer();
    const frameAt = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, SIZE.width, 0, SIZE.height, 0]));
    gif.writeUInt16LE(65_535, frameAt + 5);
    gif.writeUInt16LE(65_535, frameAt + 7);
    expect(refusal(gif)).toMatchObject({ code: 'MEDIA_TOO_LARGE' });
  });
});

describe('an AVIF that shows a corner of what it codes', () => {
  it('is decoded if that is small', async () => {
    const avif = await makeCroppedAvif({ edge: 256, shownEdge: 64 });
    expect(readAvifHeader(avif)).toMatchObject({ width: 256, height: 256 });
    expect((await decoder.decode(avif, asItIs)).source).toEqual({ height: 64, width: 64 });
  });

  it('is refused by the size that is coded, before it is decoded', async () => {
    const avif = await makeCroppedAvif({ edge: 256, claimedEdge: 16_384, shownEdge: 64 });
    expect(refusal(avif)).toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 16384 × 16384 pixels',
    });
  });

  it('is refused by the size in its AV1 stream, whatever the container says', async () => {
    const avif = await makeCroppedAvif({ edge: 5200, claimedEdge: 64 });
    expect(avif.length).toBeLessThan(10_000);
    expect(refusal(avif)).toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 5200 × 5200 pixels, which take more than 512 MiB to decode from this AVIF',
    });
  });
});

describe('a JPEG of many scans', () => {
  const scanned = (scans: number) => makeScannedJpeg({ width: 800, height: 800, scans });

  it('is decoded with as many as encoders write', async () => {
    const { frames: decoded } = await decoder.decode(scanned(32), asItIs);
    expect(new Set(decoded.data)).toEqual(new Set([128]));
  });

  it('is refused with more', async () => {
    const refused = { code: 'MEDIA_TOO_LARGE', message: 'the JPEG has more than 32 scans' };
    await expect(decoder.decode(scanned(33), asItIs)).rejects.toMatchObject(refused);
    await expect(decoder.decode(scanned(883), asItIs)).rejects.toMatchObject(refused);
  });

  it('has its scans counted past entropy-coded bytes, restarts and fill', () => {
    const scan = (data: number[]) => [0xff, 0xda, 0, 3, 0, ...data];
    const bytes = [0xff, 0xd8, ...scan([1, 0xff, 0, 0xff, 0xd3, 0xff, 0xff]), ...scan([0xda]), 0xff, 0xd9];
    expect(countJpegScans(Buffer.from([...bytes, ...scan([])]), 9)).toBe(2);
    expect(countJpegScans(Buffer.from([...bytes, ...scan([])]), 1)).toBe(1);
  });

  it('is told from pictures of other kinds', async () => {
    expect(() => assertFewScans(Buffer.from('\x89PNG\r\n\x1a\n\xff\xda', 'latin1'))).not.toThrow();
  });
});
