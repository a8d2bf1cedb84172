import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sniffMedia } from '../../src/media/sniff.ts';
import { encodeClip, makeClip, makeJpeg, makePixels } from '../fixtures/media.ts';

const SIZE = { width: 16, height: 12, seed: 1 };
const picture = () => sharp(makePixels(SIZE), { raw: { width: 16, height: 12, channels: 3 } });

/** A file type box with a major brand and compatible ones. */
function fileType(major: string, ...compatible: string[]): Buffer {
  const brands = Buffer.from(`ftyp${major}\0\0\0\0${compatible.join('')}`, 'latin1');
  const size = Buffer.alloc(4);
  size.writeUInt32BE(brands.length + 4);
  return Buffer.concat([size, brands]);
}

describe('telling media by content', () => {
  it.each([
    ['jpeg', () => makeJpeg(SIZE)],
    ['png', () => picture().png().toBuffer()],
    ['webp', () => picture().webp().toBuffer()],
    ['gif', () => picture().gif().toBuffer()],
    ['tiff', () => picture().tiff().toBuffer()],
    ['avif', () => picture().avif().toBuffer()],
  ])('a real %s image is known by its content', async (format, make) => {
    expect(sniffMedia(await make())).toEqual({ modality: 'image', format });
  });

  it('TIFF is known by its content in both byte orders and in its 64-bit form', () => {
    for (const signature of ['II*\0', 'MM\0*', 'II+\0', 'MM\0+']) {
      expect(sniffMedia(Buffer.from(`${signature}padding`, 'latin1'))).toMatchObject({ format: 'tiff' });
    }
  });

  it('real MP4 and QuickTime videos are known by their content', async () => {
    const clip = await makeClip({ ...SIZE, frames: 1 });
    const movie = await encodeClip(makePixels(SIZE), SIZE, ['-c:v', 'mjpeg'], 'mov');
    expect(sniffMedia(clip)).toEqual({ modality: 'video', format: 'mp4' });
    expect(sniffMedia(movie)).toEqual({ modality: 'video', format: 'mp4' });
  });

  it('QuickTime without a file type box is known by its content', () => {
    for (const atom of ['moov', 'mdat', 'wide', 'free', 'skip', 'pnot']) {
      expect(sniffMedia(Buffer.from(`\0\0\0\x08${atom}`, 'latin1'))).toMatchObject({ modality: 'video' });
    }
  });

  it('AVIF and HEIC differ by their brands', () => {
    expect(sniffMedia(fileType('avif', 'mif1', 'miaf'))).toMatchObject({ format: 'avif' });
    expect(sniffMedia(fileType('mif1', 'miaf', 'avif'))).toMatchObject({ format: 'avif' });
    expect(sniffMedia(fileType('heic', 'mif1', 'heic'))).toBeUndefined();
    expect(sniffMedia(fileType('mif1', 'heic'))).toBeUndefined();
  });

  it('other content is not known', () => {
    const others = [
      '',
      'GIF8',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      '%PDF-1.7',
      '\x1aE\xdf\xa3 matroska',
      'RIFF\0\0\0\0WAVE',
      '\0\0\0\x0cftyp',
      '#EXTM3U\nhttp://127.0.0.1/',
    ];
    for (const text of others) expect(sniffMedia(Buffer.from(text, 'latin1'))).toBeUndefined();
  });
});
