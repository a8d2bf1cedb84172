import { MinerError } from '../../errors.ts';
import {
  IMAGE_EDGE_LIMIT_PIXELS,
  IMAGE_MEMORY_LIMIT_BYTES,
  IMAGE_PIXELS_LIMIT,
  IMAGE_SCANS_LIMIT,
} from '../limits.ts';
import { type ImageFormat, SNIFF_LENGTH_BYTES, sniffMedia } from '../sniff.ts';
import { readAvifHeader } from './headers/avif.ts';
import type { CodedPicture } from './headers/coded-picture.ts';
import { readGifHeader } from './headers/gif.ts';
import { countJpegScans, readJpegHeader } from './headers/jpeg.ts';
import { readPngHeader } from './headers/png.ts';
import { readTiffHeader } from './headers/tiff.ts';
import { readWebpHeader } from './headers/webp.ts';

const HEADER_READERS: Readonly<Record<ImageFormat, (bytes: Buffer) => CodedPicture | undefined>> = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  webp: readWebpHeader,
  gif: readGifHeader,
  tiff: readTiffHeader,
  avif: readAvifHeader,
};

/**
 * Judges a picture by its header, in well under a millisecond: its kind, its coded size, and the memory for decoding.
 *
 * @param bytes the whole file
 * @param pixelsLimit pixels at most
 * @returns bytes of memory for decoding, with the file; all the memory for decoding if the header is not understood, in
 *   which case libvips judges the picture
 * @throws MinerError MEDIA_UNSUPPORTED, MEDIA_TOO_LARGE
 */
export function judgePicture(bytes: Buffer, pixelsLimit = IMAGE_PIXELS_LIMIT): number {
  const format = imageFormatOf(bytes);
  const picture = HEADER_READERS[format](bytes);
  if (picture === undefined) return IMAGE_MEMORY_LIMIT_BYTES;
  const { width, height, memoryBytes } = picture;
  if (width * height > pixelsLimit || Math.max(width, height) > IMAGE_EDGE_LIMIT_PIXELS) {
    throw new MinerError('MEDIA_TOO_LARGE', `the image has ${width} × ${height} pixels`);
  }
  const neededBytes = memoryBytes + bytes.length;
  if (neededBytes > IMAGE_MEMORY_LIMIT_BYTES) {
    const limitMib = IMAGE_MEMORY_LIMIT_BYTES / 1024 / 1024;
    throw new MinerError(
      'MEDIA_TOO_LARGE',
      `the image has ${width} × ${height} pixels, which take more than ${limitMib} MiB to decode from this ${format.toUpperCase()}`,
    );
  }
  return neededBytes;
}

/**
 * Refuses a JPEG with more scans than any real picture. Reads the whole file, which takes some milliseconds for a
 * megabyte.
 * @throws MinerError MEDIA_TOO_LARGE
 */
export function assertFewScans(bytes: Buffer): void {
  if (imageFormatOf(bytes) !== 'jpeg') return;
  if (countJpegScans(bytes, IMAGE_SCANS_LIMIT + 1) > IMAGE_SCANS_LIMIT) {
    throw new MinerError('MEDIA_TOO_LARGE', `the JPEG has more than ${IMAGE_SCANS_LIMIT} scans`);
  }
}

/** @throws MinerError MEDIA_UNSUPPORTED */
function imageFormatOf(bytes: Buffer): ImageFormat {
  const media = sniffMedia(bytes.subarray(0, SNIFF_LENGTH_BYTES));
  if (media?.modality === 'image') return media.format;
  throw new MinerError('MEDIA_UNSUPPORTED', 'the body is not a JPEG, PNG, WebP, GIF, TIFF or AVIF image');
}
