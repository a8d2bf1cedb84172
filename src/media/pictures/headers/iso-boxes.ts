/** One box of an ISO base media file. */
export interface Box {
  readonly type: string;
  readonly body: Buffer;
}

const HEAD_BYTES = 8;
const LARGE_HEAD_BYTES = 16;
/** Boxes in one container. Each tile of a picture has a box; the levels of AVIF allow some hundred. */
const BOXES_LIMIT = 4096;

/** The boxes of a container, up to the first broken one, and at most `BOXES_LIMIT`. */
export function readBoxes(bytes: Buffer): readonly Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length && boxes.length < BOXES_LIMIT; ) {
    const short = bytes.readUInt32BE(at);
    const isLarge = short === 1;
    if (isLarge && at + LARGE_HEAD_BYTES > bytes.length) break;
    const head = isLarge ? LARGE_HEAD_BYTES : HEAD_BYTES;
    const size = isLarge ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? bytes.length - at : short;
    if (size < head) break;
    boxes.push({
      type: bytes.toString('latin1', at + 4, at + 8),
      body: bytes.subarray(at + head, at + size),
    });
    at += size;
  }
  return boxes;
}

/** Reads whole numbers one after the other. */
export interface NumberReader {
  /** @throws RangeError beyond the end */
  next(bytes: number): number;
}

/** @param bytes with big-endian numbers of 0 to 4 bytes, or of 8 */
export function createNumberReader(bytes: Buffer): NumberReader {
  let at = 0;
  return {
    next(count) {
      const start = at;
      at += count;
      if (count === 0) return 0;
      return count === 8 ? Number(bytes.readBigUInt64BE(start)) : bytes.readUIntBE(start, count);
    },
  };
}
