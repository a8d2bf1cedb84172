import sharp, { type JpegOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { readAv1FrameSize } from '../../../src/media/pictures/headers/av1-sequence.ts';
import { readAvifHeader } from '../../../src/media/pictures/headers/avif.ts';
import { readGifHeader } from '../../../src/media/pictures/headers/gif.ts';
import { countJpegScans, readJpegHeader } from '../../../src/media/pictures/headers/jpeg.ts';
import { readPngHeader } from '../../../src/media/pictures/headers/png.ts';
import { readTiffHeader } from '../../../src/media/pictures/headers/tiff.ts';
import { readWebpHeader } from '../../../src/media/pictures/headers/webp.ts';
import { assertFewScans, judgePicture } from '../../../src/media/pictures/judge-picture.ts';
import { makeCroppedAvif } from '../../fixtures/cropped-avif.ts';
import { makePixels } from '../../fixtures/media.ts';
import { usePictureDecoder } from '../../fixtures/picture-decoder.ts';
import { makeScannedJpeg } from '../../fixtures/scanned-jpeg.ts';

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

/** The AVIF with more entries for its one coded picture. Only its header can be read. */
function withCopies(avif: Buffer, count: number): Buffer {
  const boxAt = avif.indexOf('iinf') - 4;
  const entryAt = avif.indexOf('infe') - 4;
  const entry = avif.subarray(entryAt, entryAt + avif.readUInt32BE(entryAt));
  const copies = Buffer.concat(Array.from({ length: count }, () => entry));
  const head = Buffer.from(avif.subarray(0, entryAt));
  for (const at of [boxAt, head.indexOf('meta') - 4])
    head.writeUInt32BE(head.readUInt32BE(at) + copies.length, at);
  // Where the stream begins moves, too.
  const tail = Buffer.from(avif.subarray(entryAt));
  const locationAt = head.indexOf('iloc') + 16;
  head.writeUInt32BE(head.readUInt32BE(locationAt) + copies.length, locationAt);
  return Buffer.concat([head, copies, tail]);
}

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
  ])('the header of a picture has its size: %s', async (_, read, make) => {
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

  it('the memory for coefficients counts for progressive JPEGs only', async () => {
    const memoryOf = async (options: JpegOptions) =>
      (readJpegHeader(await picture().jpeg(options).toBuffer())?.memoryBytes ?? 0) / PIXELS;
    expect(await memoryOf({})).toBeCloseTo(4);
    expect(await memoryOf({ progressive: true, chromaSubsampling: '4:4:4' })).toBeGreaterThan(10);
  });

  it('the memory for coefficients counts if each colour has its own scan', async () => {
    const jpeg = await picture().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer();
    const all = readJpegHeader(jpeg)?.memoryBytes ?? 0;
    // The first scan says that it is of one colour: others have to follow.
    jpeg[jpeg.indexOf(Buffer.from([0xff, 0xda])) + 4] = 1;
    expect((readJpegHeader(jpeg)?.memoryBytes ?? 0) - all).toBeGreaterThan(PIXELS * 3 * 2);
  });

  it('the memory for interlacing counts for PNGs of 8 and 16 bits', async () => {
    const memoryOf = async (bits: 8 | 16, progressive: boolean) => {
      const png = await (bits === 16 ? picture().toColourspace('rgb16') : picture())
        .png({ progressive })
        .toBuffer();
      return (readPngHeader(png)?.memoryBytes ?? 0) / PIXELS;
    };
    expect(await memoryOf(8, false)).toBe(4.5);
    expect(await memoryOf(8, true)).toBe(7.5);
    expect(await memoryOf(16, true)).toBe(11.5);
  });

  it('an AVIF of 12 bits counts more memory', async () => {
    const memoryOf = async (bitdepth: 8 | 12) =>
      (readAvifHeader(await picture().avif({ bitdepth }).toBuffer())?.memoryBytes ?? 0) / PIXELS;
    expect(await memoryOf(12)).toBeGreaterThan((await memoryOf(8)) * 1.2);
  });

  it('the memory of a strip as high as its picture counts, and that of wide tiles', async () => {
    const tiles = await picture().tiff({ tile: true, tileWidth: 1024, tileHeight: 1024 }).toBuffer();
    expect(readTiffHeader(tiles)?.memoryBytes).toBe(PIXELS * 4 + 1024 * 1024 * 3 * 2);
  });
});

describe('a WebP whose canvas is far smaller than its frame', () => {
  it('a WebP whose canvas is far smaller than its frame has the size of its frame', async () => {
    const webp = await frames().webp().toBuffer();
    const canvasAt = webp.indexOf('VP8X') + 12;
    webp.writeUIntLE(1, canvasAt, 3);
    webp.writeUIntLE(1, canvasAt + 3, 3);
    // The picture in the frame says that it is smaller still.
    webp.fill(
      0,
      webp.indexOf('VP8 ', webp.indexOf('ANMF')) + 14,
      webp.indexOf('VP8 ', webp.indexOf('ANMF')) + 18,
    );
    expect(readWebpHeader(webp)).toMatchObject(SIZE);
  });
});

describe('a GIF whose screen is far larger than its frame', () => {
  it('a GIF whose screen is far larger than its frame has the size of its frame, as libvips sees it', async () => {
    const gif = await picture().gif().toBuffer();
    gif.writeUInt16LE(65_535, 6);
    gif.writeUInt16LE(65_535, 8);
    expect(readGifHeader(gif)).toMatchObject(SIZE);
    expect((await decoder.decode(gif, asItIs)).source).toEqual(SIZE);
  });

  it('a GIF whose screen is far larger than its frame is refused by the size of its frame', async () => {
    const gif = await picture().gif().toBuffer();
    const frameAt = gif.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, SIZE.width, 0, SIZE.height, 0]));
    gif.writeUInt16LE(65_535, frameAt + 5);
    gif.writeUInt16LE(65_535, frameAt + 7);
    expect(refusal(gif)).toMatchObject({ code: 'MEDIA_TOO_LARGE' });
  });
});

describe('an AVIF that shows a corner of what it codes', () => {
  it('an AVIF that shows a corner of its coded size is decoded if that size is small', async () => {
    const avif = await makeCroppedAvif({ edge: 256, shownEdge: 64 });
    expect(readAvifHeader(avif)).toMatchObject({ width: 256, height: 256 });
    expect((await decoder.decode(avif, asItIs)).source).toEqual({ height: 64, width: 64 });
  });

  it('an AVIF is refused by its coded size, before it is decoded', async () => {
    const avif = await makeCroppedAvif({ edge: 256, claimedEdge: 16_384, shownEdge: 64 });
    expect(refusal(avif)).toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 16384 × 16384 pixels',
    });
  });

  it('an AVIF is refused by a size in its header, such as that of a picture of tiles', async () => {
    const avif = await makeCroppedAvif({ edge: 256, claimedEdge: 16_384 });
    // The properties of the one coded picture: the box's head, the count of pictures, the picture's number, and theirs.
    const countAt = avif.indexOf('ipma') + 14;
    avif.fill(0, countAt + 1, countAt + 1 + (avif[countAt] ?? 0));
    expect(refusal(avif)).toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 16384 × 16384 pixels',
    });
  });

  it('an AVIF is refused by the size in its AV1 stream, whatever the container says', async () => {
    const avif = await makeCroppedAvif({ edge: 5200, claimedEdge: 64 });
    expect(avif.length).toBeLessThan(10_000);
    expect(refusal(avif)).toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 5200 × 5200 pixels, which take more than 512 MiB to decode from this AVIF',
    });
  });
});

describe('an AVIF of many pictures', () => {
  it('an AVIF of many pictures counts the pixels of all parts of the visible picture', async () => {
    const avif = await makeCroppedAvif({ edge: 256 });
    const one = readAvifHeader(avif)?.memoryBytes ?? 0;
    // Each further entry names the same coded picture.
    expect(readAvifHeader(withCopies(avif, 2))?.memoryBytes).toBe(one);
    expect(readAvifHeader(withCopies(avif, 29))?.memoryBytes).toBe(one * 10);
  });
});

describe('the sequence header of an AV1 stream', () => {
  it('the sequence header of an AV1 stream is found behind another unit', async () => {
    const avif = await picture().avif().toBuffer();
    const stream = avif.subarray(avif.indexOf('mdat') + 4);
    expect(readAv1FrameSize(stream)).toEqual(SIZE);
    const delimiter = Buffer.from([0x12, 0]);
    const first = readAv1FrameSize(stream.subarray(stream[0] === 0x12 ? 2 : 0));
    expect(first).toEqual(SIZE);
    expect(readAv1FrameSize(Buffer.concat([delimiter, delimiter, stream]))).toEqual(SIZE);
  });
});

describe('a JPEG of many scans', () => {
  const scanned = (scans: number) => makeScannedJpeg({ width: 800, height: 800, scans });

  it('a JPEG with as many scans as encoders write is decoded', async () => {
    const { frames: decoded } = await decoder.decode(scanned(32), asItIs);
    expect(new Set(decoded.data)).toEqual(new Set([128]));
  });

  it('a JPEG with more scans than encoders write is refused', async () => {
    const refused = { code: 'MEDIA_TOO_LARGE', message: 'the JPEG has more than 32 scans' };
    await expect(decoder.decode(scanned(33), asItIs)).rejects.toMatchObject(refused);
    await expect(decoder.decode(scanned(883), asItIs)).rejects.toMatchObject(refused);
  });

  it('the scans of a JPEG are counted past entropy-coded bytes, restarts and fill', () => {
    const scan = (data: number[]) => [0xff, 0xda, 0, 3, 0, ...data];
    const bytes = [0xff, 0xd8, ...scan([1, 0xff, 0, 0xff, 0xd3, 0xff, 0xff]), ...scan([0xda]), 0xff, 0xd9];
    expect(countJpegScans(Buffer.from([...bytes, ...scan([])]), 9)).toBe(2);
    expect(countJpegScans(Buffer.from([...bytes, ...scan([])]), 1)).toBe(1);
  });

  it('only JPEGs have their scans counted', async () => {
    expect(() => assertFewScans(Buffer.from('\x89PNG\r\n\x1a\n\xff\xda', 'latin1'))).not.toThrow();
  });
});
