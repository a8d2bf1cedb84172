import type { CodedPicture } from './coded-picture.ts';

/** Measured as the growth of VmData over 40 megapixels: 3.6 for 8-bit RGB, 4.3 for 16-bit RGBA. */
const BYTES_PER_PIXEL = 4.5;
/** The coded form of an interlaced picture is held too: 6.3 for 8-bit RGB, 7.3 for RGBA, 11.4 for 16-bit RGBA. */
const BYTES_PER_PIXEL_BESIDES = 3.5;
/** For RGBA. A palette may have transparency, and libspng returns RGBA for it. */
const CHANNELS = 4;
const HEADER_BYTES = 29;

/** The size of a PNG, and the memory for decoding it; undefined if the header is not understood. */
export function readPngHeader(bytes: Buffer): CodedPicture | undefined {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const isInterlaced = bytes[28] !== 0;
  const sampleBytes = bytes[24] === 16 ? 2 : 1;
  const bytesPerPixel = isInterlaced ? BYTES_PER_PIXEL_BESIDES + CHANNELS * sampleBytes : BYTES_PER_PIXEL;
  return { width, height, memoryBytes: width * height * bytesPerPixel };
}
