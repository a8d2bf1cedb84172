import { describe, expect, it } from 'vitest';
import { samplePictures } from '../../../src/media/pictures/picture-sequence.ts';
import { makeJpeg } from '../../fixtures/media.ts';
import { usePictureDecoder } from '../../fixtures/picture-decoder.ts';

const decoder = usePictureDecoder();
const { signal } = new AbortController();
const native = { mode: 'native' } as const;
const clipOf = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, seed) => makeJpeg({ width: 40, height: 30, seed })));

describe('a clip of pictures', () => {
  it.each([
    [9, 3, 'even', [0, 4, 8]],
    [3, 5, 'even', [0, 1, 2, 2, 2]],
    [4, 1, 'even', [1]],
    [9, 3, 2, [0, 2, 4]],
  ] as const)(
    'a clip of pictures with %i frames gives %i of them as decoded (stride: %s)',
    async (count, wanted, frameStride, indices) => {
      const jpegs = await clipOf(count);
      const { frames, clip } = await samplePictures(jpegs, {
        frames: wanted,
        frameStride,
        fit: native,
        signal,
        decoder,
      });
      const expected = await Promise.all(
        indices.map(
          async (index) =>
            (await decoder.decode(jpegs[index] as Buffer, { fit: native, signal })).frames.data,
        ),
      );
      expect(frames).toMatchObject({ count: wanted, height: 30, width: 40 });
      expect(frames.data.equals(Buffer.concat(expected))).toBe(true);
      expect(clip).toEqual({ height: 30, width: 40 });
    },
  );

  it('a clip of pictures is fitted, and keeps the size it was sent in', async () => {
    const fit = { mode: 'stretch', height: 8, width: 16 } as const;
    const { frames, clip } = await samplePictures(await clipOf(4), { frames: 2, fit, signal, decoder });
    expect(frames).toMatchObject({ count: 2, height: 8, width: 16 });
    expect(frames.data).toHaveLength(2 * 8 * 16 * 3);
    expect(clip).toEqual({ height: 30, width: 40 });
  });

  it('a clip of pictures is refused when it is empty, damaged, or its frames differ in size', async () => {
    const [first] = await clipOf(1);
    const jpeg = first as Buffer;
    const other = await makeJpeg({ width: 30, height: 40, seed: 1 });
    const sample = (pictures: Buffer[]) =>
      samplePictures(pictures, { frames: 2, fit: native, signal, decoder });
    await expect(sample([])).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    await expect(sample([jpeg, other])).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    await expect(sample([jpeg, jpeg.subarray(0, 200)])).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    await expect(sample([jpeg, Buffer.from('text')])).rejects.toMatchObject({ code: 'MEDIA_UNSUPPORTED' });
  });

  it('a clip of pictures is refused if its wanted pixels do not fit in memory', async () => {
    const fit = { mode: 'stretch', height: 4_000, width: 4_000 } as const;
    await expect(samplePictures(await clipOf(1), { frames: 64, fit, signal, decoder })).rejects.toMatchObject(
      {
        code: 'MEDIA_TOO_LARGE',
      },
    );
  });
});
