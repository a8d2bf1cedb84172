import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
// Sets which loaders libvips has in this process.
import '../../../src/media/pictures/image.ts';
import { makeJpeg, makePixels } from '../../fixtures/media.ts';
import { useDecoding } from '../../fixtures/picture-decoder.ts';
import { PILLOW_IMAGES } from '../../fixtures/pillow-images.ts';

const decode = useDecoding();
const SIZE = { width: 37, height: 23, seed: 4 };

function picture(options = SIZE) {
  const { width, height } = options;
  return sharp(makePixels(options), { raw: { width, height, channels: 3 } });
}

/** A PNG header that claims a size, with no pixels behind it. */
function pngClaiming(width: number, height: number): Buffer {
  const header = Buffer.alloc(17);
  header.write('IHDR', 'latin1');
  header.writeUInt32BE(width, 4);
  header.writeUInt32BE(height, 8);
  header.set([8, 2, 0, 0, 0], 12);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk(header),
    pngChunk(Buffer.from('IDAT')),
    pngChunk(Buffer.from('IEND')),
  ]);
}

function pngChunk(typeAndData: Buffer): Buffer {
  const frame = Buffer.alloc(typeAndData.length + 8);
  frame.writeUInt32BE(typeAndData.length - 4, 0);
  typeAndData.copy(frame, 4);
  frame.writeUInt32BE(crc32(typeAndData), typeAndData.length + 4);
  return frame;
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

describe('decoding an image', () => {
  it.each(PILLOW_IMAGES)('an image decodes to the pixels of Pillow: $name', async ({ base64, rgbSha256 }) => {
    const frames = await decode(Buffer.from(base64, 'base64'));
    expect(frames).toMatchObject({ count: 1, width: 17, height: 13 });
    expect(frames.data).toHaveLength(17 * 13 * 3);
    expect(createHash('sha256').update(frames.data).digest('hex')).toBe(rgbSha256);
  });

  it('decoding an image gives back every pixel of a lossless file', async () => {
    const { data } = await decode(await picture().png().toBuffer());
    expect(data.equals(makePixels(SIZE))).toBe(true);
  });

  it('decoding an image keeps the high byte of 16-bit grey', async () => {
    const samples = Uint16Array.from({ length: 64 }, (_, i) => i * 1023);
    const grey = sharp(samples, { raw: { width: 8, height: 8, channels: 1 } }).toColourspace('grey16');
    const { data } = await decode(await grey.png().toBuffer());
    expect([...data]).toEqual([...samples].flatMap((sample) => Array(3).fill(sample >> 8)));
  });

  it('decoding an image brings CMYK to RGB', async () => {
    const cmyk = await picture().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    const { data, width, height } = await decode(cmyk);
    const original = makePixels(SIZE);
    expect([width, height]).toEqual([37, 23]);
    const difference = data.reduce((sum, sample, i) => sum + Math.abs(sample - (original[i] ?? 0)), 0);
    // Wrong polarity or a missing channel would be off by a hundred.
    expect(difference / data.length).toBeLessThan(30);
  });

  it('decoding an image takes TIFF and AVIF', async () => {
    const tiff = await decode(await picture().tiff({ compression: 'deflate' }).toBuffer());
    expect(tiff.data.equals(makePixels(SIZE))).toBe(true);
    const avif = await decode(await picture().avif({ lossless: true }).toBuffer());
    expect(avif).toMatchObject({ width: 37, height: 23 });
  });

  it('decoding an image refuses a JPEG that ends early, by however little', async () => {
    const jpeg = await makeJpeg({ width: 320, height: 200, seed: 2 });
    for (const length of [300, jpeg.length >> 1, jpeg.length - 40, jpeg.length - 2]) {
      await expect(decode(jpeg.subarray(0, length))).rejects.toMatchObject({
        code: 'MEDIA_UNDECODABLE',
      });
    }
  });

  it.each(['png', 'webp', 'gif', 'tiff', 'avif'] as const)('half a %s is refused', async (format) => {
    const bytes = await picture().toFormat(format).toBuffer();
    await expect(decode(bytes.subarray(0, bytes.length >> 1))).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
    });
  });

  it('decoding an image refuses a signature with nothing behind it', async () => {
    await expect(decode(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
    });
  });

  it('decoding an image refuses other files and other kinds of pictures', async () => {
    const others = [
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      '%PDF-1.4',
      'P6 1 1 255 abc',
      '',
    ];
    for (const text of others) {
      await expect(decode(Buffer.from(text))).rejects.toMatchObject({
        code: 'MEDIA_UNSUPPORTED',
      });
    }
  });

  it('decoding an image leaves libvips no other loader, whatever the content', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await expect(sharp(svg).metadata()).rejects.toThrow('unsupported image format');
  });

  it('decoding an image refuses an edge that is longer than any camera makes, however few the pixels', async () => {
    await expect(decode(pngClaiming(65_536, 1))).rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
    });
  });

  it('decoding an image refuses more pixels than Pillow would take, before decoding', async () => {
    await expect(decode(pngClaiming(9460, 9460))).rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 9460 × 9460 pixels',
    });
    // Within the bound of 89,478,485, so this one fails for its missing pixels instead.
    await expect(decode(pngClaiming(9459, 9459))).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
    });
  });

  it('decoding an image stops waiting when it is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('too late');
    const decoding = decode(await makeJpeg({ width: 1600, height: 1200, seed: 3 }), controller.signal);
    controller.abort(reason);
    await expect(decoding).rejects.toBe(reason);
    await expect(decode(Buffer.alloc(4), controller.signal)).rejects.toBe(reason);
  });

  it('decoding an image leaves the event loop free meanwhile', async () => {
    let turns = 0;
    let decoding = true;
    const work = decode(await makeJpeg({ width: 3000, height: 2000, seed: 3 })).finally(() => {
      decoding = false;
    });
    while (decoding) {
      await sleep(1);
      turns += 1;
    }
    await work;
    expect(turns).toBeGreaterThan(3);
  });
});
