import type { CodedPicture } from './coded-picture.ts';

/** Measured as the growth of VmData over 40 megapixels: 3.6 in strips, 3.5 in tiles. */
const BYTES_PER_PIXEL = 4;
/** libtiff and libvips each hold a strip, or a row of tiles. From their sources, not measured. */
const COPIES_OF_UNIT = 2;

const WIDTH = 256;
const HEIGHT = 257;
const BITS_PER_SAMPLE = 258;
const SAMPLES_PER_PIXEL = 277;
const ROWS_PER_STRIP = 278;
const TILE_WIDTH = 322;
const TILE_HEIGHT = 323;
/** Sizes of the integer types: BYTE, SHORT, LONG, LONG8. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };

/** Reads numbers in the byte order of the file. Beyond the end everything is 0. */
interface Reader {
  number(at: number, bytes: number): number;
  /** Of a file larger than 4 GiB could be. */
  readonly isBig: boolean;
}

/** The size of the first page of a TIFF, and the memory for decoding it; undefined if the header is not understood. */
export function readTiffHeader(bytes: Buffer): CodedPicture | undefined {
  const fields = readFields(bytes, readerOf(bytes));
  const [width, height] = [fields.get(WIDTH) ?? 0, fields.get(HEIGHT) ?? 0];
  if (width === 0 || height === 0) return undefined;
  const sampleBytes = Math.ceil((fields.get(BITS_PER_SAMPLE) ?? 1) / 8);
  const samples = fields.get(SAMPLES_PER_PIXEL) ?? 1;
  const tileWidth = fields.get(TILE_WIDTH);
  const unitWidth = tileWidth === undefined ? width : Math.ceil(width / (tileWidth || 1)) * tileWidth;
  const unitHeight =
    tileWidth === undefined
      ? Math.min(height, fields.get(ROWS_PER_STRIP) ?? height)
      : (fields.get(TILE_HEIGHT) ?? height);
  const unitBytes = unitWidth * unitHeight * samples * sampleBytes;
  return { width, height, memoryBytes: width * height * BYTES_PER_PIXEL + unitBytes * COPIES_OF_UNIT };
}

function readerOf(bytes: Buffer): Reader {
  const isLittle = bytes[0] === 0x49;
  const read = (at: number, count: number): number => {
    if (at + count > bytes.length) return 0;
    return isLittle ? bytes.readUIntLE(at, count) : bytes.readUIntBE(at, count);
  };
  const number = (at: number, count: number): number => {
    if (count <= 4) return read(at, count);
    const [low, high] = isLittle ? [read(at, 4), read(at + 4, 4)] : [read(at + 4, 4), read(at, 4)];
    return high * 2 ** 32 + low;
  };
  return { number, isBig: number(2, 2) === 43 };
}

/** The first value of each integer field of the first page. */
function readFields(bytes: Buffer, { number, isBig }: Reader): ReadonlyMap<number, number> {
  const offsetBytes = isBig ? 8 : 4;
  const page = isBig ? number(8, 8) : number(4, 4);
  const countBytes = isBig ? 8 : 2;
  const fieldBytes = isBig ? 20 : 12;
  const start = page + countBytes;
  const count = Math.min(number(page, countBytes), Math.floor((bytes.length - start) / fieldBytes), 0xffff);
  const fields = new Map<number, number>();
  for (let index = 0; index < count; index++) {
    const at = start + index * fieldBytes;
    const size = TYPE_BYTES[number(at + 2, 2)];
    if (size === undefined) continue;
    const valueAt = at + 4 + offsetBytes;
    const isInPlace = number(at + 4, offsetBytes) * size <= offsetBytes;
    fields.set(number(at, 2), number(isInPlace ? valueAt : number(valueAt, offsetBytes), size));
  }
  return fields;
}
