import type { CodedPicture } from './coded-picture.ts';

/** Measured as the growth of VmData over 40 megapixels: 16.3 lossy, 16.5 lossless, 18.4 lossy with transparency. */
const BYTES_PER_PIXEL = 19;
/** The highest number of chunks before the picture: metadata. */
const CHUNKS_LIMIT = 64;
const CHUNK_HEAD_BYTES = 8;
/** Bytes of a frame of an animation before the chunks of its picture. */
const FRAME_HEAD_BYTES = 16;

/**
 * The size of a WebP, and the memory for decoding it: the larger of its canvas and its first frame. Undefined if the
 * header is not understood.
 */
export function readWebpHeader(bytes: Buffer): CodedPicture | undefined {
  let [width, height] = [0, 0];
  let at = 12;
  for (let count = 0; count < CHUNKS_LIMIT && at + CHUNK_HEAD_BYTES <= bytes.length; count++) {
    const name = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const body = bytes.subarray(at + CHUNK_HEAD_BYTES, at + CHUNK_HEAD_BYTES + length);
    const size = sizeIn(name, body);
    if (size !== undefined) [width, height] = [Math.max(width, size.width), Math.max(height, size.height)];
    if (name === 'VP8 ' || name === 'VP8L') break;
    at += name === 'ANMF' ? CHUNK_HEAD_BYTES + FRAME_HEAD_BYTES : CHUNK_HEAD_BYTES + length + (length % 2);
  }
  return width === 0 ? undefined : { width, height, memoryBytes: width * height * BYTES_PER_PIXEL };
}

function sizeIn(name: string, body: Buffer): { readonly width: number; readonly height: number } | undefined {
  if (name === 'VP8X' && body.length >= 10) {
    return { width: body.readUIntLE(4, 3) + 1, height: body.readUIntLE(7, 3) + 1 };
  }
  if (name === 'ANMF' && body.length >= 12) {
    return { width: body.readUIntLE(6, 3) + 1, height: body.readUIntLE(9, 3) + 1 };
  }
  if (name === 'VP8 ' && body.length >= 10) {
    return { width: body.readUInt16LE(6) & 0x3fff, height: body.readUInt16LE(8) & 0x3fff };
  }
  if (name === 'VP8L' && body.length >= 5) {
    const bits = body.readUInt32LE(1);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return undefined;
}
