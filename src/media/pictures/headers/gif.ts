import type { CodedPicture } from './coded-picture.ts';

/** Measured as the growth of VmData over 40 megapixels: 7.7. */
const BYTES_PER_PIXEL = 8;
const SCREEN_HEAD_BYTES = 13;
/** The longest edge of a screen that libnsgif uses. For a larger screen it uses the size of the frames. */
const SCREEN_LIMIT_PIXELS = 2048;
/** The highest number of extensions before the first frame: comments, and data of animations. */
const BLOCKS_LIMIT = 4096;

const EXTENSION = 0x21;
const FRAME = 0x2c;

/**
 * The size of a GIF, and the memory for decoding it: the larger of its screen and its first frame. Undefined if the
 * header is not understood.
 */
export function readGifHeader(bytes: Buffer): CodedPicture | undefined {
  if (bytes.length < SCREEN_HEAD_BYTES) return undefined;
  const said = { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  const screen = Math.max(said.width, said.height) > SCREEN_LIMIT_PIXELS ? { width: 0, height: 0 } : said;
  const at = firstFrame(bytes);
  if (at === undefined) return undefined;
  const width = Math.max(screen.width, bytes.readUInt16LE(at + 1) + bytes.readUInt16LE(at + 5));
  const height = Math.max(screen.height, bytes.readUInt16LE(at + 3) + bytes.readUInt16LE(at + 7));
  return { width, height, memoryBytes: width * height * BYTES_PER_PIXEL };
}

/** The offset of the first frame. */
function firstFrame(bytes: Buffer): number | undefined {
  const flags = bytes[10] ?? 0;
  let at = SCREEN_HEAD_BYTES + ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1));
  for (let count = 0; count < BLOCKS_LIMIT; count++) {
    if (bytes[at] === FRAME) return at + 9 <= bytes.length ? at : undefined;
    if (bytes[at] !== EXTENSION) return undefined;
    at += 2;
    // Pieces of at most 255 bytes, each after its length. A length of 0 ends them.
    for (let length = bytes[at]; length !== 0; length = bytes[at]) {
      if (length === undefined || ++count > BLOCKS_LIMIT) return undefined;
      at += 1 + length;
    }
    at += 1;
  }
  return undefined;
}
