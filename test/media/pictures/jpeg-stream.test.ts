import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { splitJpegs } from '../../../src/media/pictures/jpeg-stream.ts';
import { makeJpeg, makePixels } from '../../fixtures/media.ts';

const { signal } = new AbortController();
const split = (parts: readonly Buffer[], limit = 100) => splitJpegs(Buffer.concat(parts), { limit, signal });
const sizes = async (parts: readonly Buffer[], limit?: number) =>
  (await split(parts, limit)).map(({ length }) => length);

/** A segment of application data. */
function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

/** A JPEG with a whole JPEG inside of its application data, as cameras write thumbnails. */
function withThumbnail(jpeg: Buffer, thumbnail: Buffer): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), segment(0xe1, thumbnail), jpeg.subarray(2)]);
}

describe('a row of JPEGs', () => {
  it('a sequence of JPEGs is split at the end of each', async () => {
    const jpegs = await Promise.all(
      [1, 2, 3, 4].map((seed) => makeJpeg({ width: 16 * seed, height: 40, seed })),
    );
    expect(await split(jpegs)).toEqual(jpegs);
  });

  it('a sequence of JPEGs may have thumbnails inside them', async () => {
    const jpeg = await makeJpeg({ width: 64, height: 64, seed: 1 });
    const thumbnail = await makeJpeg({ width: 16, height: 16, seed: 2 });
    const whole = withThumbnail(jpeg, thumbnail);
    expect(await split([whole, jpeg, whole])).toEqual([whole, jpeg, whole]);
  });

  it('a sequence of JPEGs may be progressive, with many scans', async () => {
    const pixels = makePixels({ width: 80, height: 60, seed: 3 });
    const jpeg = await sharp(pixels, { raw: { width: 80, height: 60, channels: 3 } })
      .jpeg({ progressive: true })
      .toBuffer();
    expect(await split([jpeg, jpeg])).toEqual([jpeg, jpeg]);
  });

  it('a sequence of JPEGs may have restart markers in their scans and fill before their markers', async () => {
    const jpeg = await makeJpeg({ width: 16, height: 16, seed: 1 });
    const end = jpeg.length - 2;
    const odd = Buffer.concat([
      jpeg.subarray(0, end),
      Buffer.from([0xff, 0xd0, 0x11, 0xff, 0xff]),
      jpeg.subarray(end),
    ]);
    expect(await sizes([odd, jpeg])).toEqual([odd.length, jpeg.length]);
  });

  it('a sequence of JPEGs is read no further than the limit', async () => {
    const jpeg = await makeJpeg({ width: 16, height: 16, seed: 1 });
    expect(await sizes([jpeg, jpeg, Buffer.from('garbage')], 2)).toHaveLength(2);
  });

  it('a sequence of JPEGs is refused if it is cut off, or has other bytes between them', async () => {
    const jpeg = await makeJpeg({ width: 16, height: 16, seed: 1 });
    for (const parts of [
      [jpeg, jpeg.subarray(0, -1)],
      [jpeg, jpeg.subarray(0, 30)],
      [jpeg, Buffer.from([0]), jpeg],
      // What would be a JPEG but for its first two bytes.
      [jpeg, Buffer.from([0, 0]), jpeg.subarray(2)],
      [Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1])],
      [Buffer.from([0xff, 0xd8, 0xff, 0xd8])],
      [Buffer.from([0xff, 0xd8])],
    ]) {
      await expect(split(parts)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    }
  });

  it.each([
    ['fill', Buffer.alloc(8_000_000, 0xff)],
    ['empty segments', Buffer.alloc(8_000_000, Buffer.from([0xff, 0xe0, 0, 2]))],
  ])('splitting JPEGs made of %s ends when it is aborted', async (_, content) => {
    const stop = new AbortController();
    const splitting = splitJpegs(Buffer.concat([Buffer.from([0xff, 0xd8]), content]), {
      limit: 1,
      signal: stop.signal,
    });
    const reason = new Error('gone');
    stop.abort(reason);
    await expect(splitting).rejects.toBe(reason);
  });
});
