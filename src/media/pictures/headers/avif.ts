import { readAv1FrameSize } from './av1-sequence.ts';
import type { CodedPicture } from './coded-picture.ts';
import { type Box, createNumberReader, readBoxes } from './iso-boxes.ts';

/** Measured as the growth of VmData over 40 megapixels: 18.7 for 4:2:0, 21.8 for 4:4:4, the same with transparency. */
const BYTES_PER_PIXEL = 22;
/** Of 12-bit samples with transparency: 28.4. */
const BYTES_PER_PIXEL_OF_MORE_BITS = 29;
/**
 * The highest number of coded pixels for one visible pixel: its own, that of its transparency, and the edges of tiles.
 * Above it, the picture counts as a larger one: hidden pixels cost time too.
 */
const CODED_PER_SHOWN = 3;
/** Pictures and tiles in one file. */
const ITEMS_LIMIT = 4096;
const FULL_BOX_BYTES = 4;

type Size = Pick<CodedPicture, 'width' | 'height'>;

const areaOf = ({ width, height }: Size): number => width * height;
const larger = (a: Size, b: Size): Size => (areaOf(b) > areaOf(a) ? b : a);
const NOTHING: Size = { width: 0, height: 0 };

/**
 * The coded size of an AVIF, and the memory for decoding it; undefined if the header is not understood. A crop box
 * (`clap`) may show only a corner, and a picture of tiles (`grid`) has parts with their own sizes. So the largest size
 * in the file counts, and that of the AV1 streams.
 */
export function readAvifHeader(bytes: Buffer): CodedPicture | undefined {
  try {
    const meta = bodyOf(readBoxes(bytes), 'meta')?.subarray(FULL_BOX_BYTES);
    return meta === undefined ? undefined : describe(bytes, readBoxes(meta));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function describe(file: Buffer, meta: readonly Box[]): CodedPicture | undefined {
  const properties = readBoxes(bodyOf(meta, 'iprp') ?? Buffer.alloc(0));
  const described = readBoxes(bodyOf(properties, 'ipco') ?? Buffer.alloc(0));
  const sizes = described.map(({ type, body }) =>
    type === 'ispe' ? { width: body.readUInt32BE(4), height: body.readUInt32BE(8) } : NOTHING,
  );
  const streams = readStreams(file, meta);
  const sizesOfItems = readSizesOfItems(bodyOf(properties, 'ipma'), sizes);
  let largest = sizes.reduce(larger, NOTHING);
  let codedPixels = 0;
  for (const { id, start } of streams) {
    const size = larger(sizesOfItems.get(id) ?? NOTHING, readAv1FrameSize(start) ?? NOTHING);
    largest = larger(largest, size);
    codedPixels += areaOf(size);
  }
  if (areaOf(largest) === 0) return undefined;
  const pixels = Math.max(areaOf(largest), codedPixels / CODED_PER_SHOWN);
  const hasMoreBits = described.some(({ type, body }) => type === 'av1C' && ((body[2] ?? 0) & 0x40) !== 0);
  const bytesPerPixel = hasMoreBits ? BYTES_PER_PIXEL_OF_MORE_BITS : BYTES_PER_PIXEL;
  return { ...largest, memoryBytes: pixels * bytesPerPixel };
}

function bodyOf(boxes: readonly Box[], type: string): Buffer | undefined {
  return boxes.find((box) => box.type === type)?.body;
}

/** The AV1 streams of the file, each with the bytes from its start to the end of the file. */
function readStreams(
  file: Buffer,
  meta: readonly Box[],
): ReadonlyArray<{ readonly id: number; readonly start: Buffer }> {
  const starts = readStarts(bodyOf(meta, 'iloc'), file, bodyOf(meta, 'idat'));
  const items = bodyOf(meta, 'iinf') ?? Buffer.alloc(0);
  const entries = items.subarray(FULL_BOX_BYTES + (items[0] === 0 ? 2 : 4));
  return readBoxes(entries).flatMap(({ type, body }) => {
    if (type !== 'infe') return [];
    const idBytes = (body[0] ?? 0) < 3 ? 2 : 4;
    const id = body.readUIntBE(FULL_BOX_BYTES, idBytes);
    const typeAt = FULL_BOX_BYTES + idBytes + 2;
    if (body.toString('latin1', typeAt, typeAt + 4) !== 'av01') return [];
    return [{ id, start: starts.get(id) ?? Buffer.alloc(0) }];
  });
}

/** The offset of the first piece of each item, by the number of the item. */
function readStarts(
  iloc: Buffer | undefined,
  file: Buffer,
  idat: Buffer | undefined,
): ReadonlyMap<number, Buffer> {
  const starts = new Map<number, Buffer>();
  if (iloc === undefined) return starts;
  const { next } = createNumberReader(iloc);
  const version = next(FULL_BOX_BYTES) >>> 24;
  const widths = next(2);
  const offsetBytes = widths >> 12;
  const lengthBytes = (widths >> 8) & 0x0f;
  const baseBytes = (widths >> 4) & 0x0f;
  const indexBytes = version === 0 ? 0 : widths & 0x0f;
  const count = Math.min(next(version < 2 ? 2 : 4), ITEMS_LIMIT);
  for (let item = 0; item < count; item++) {
    const id = next(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : next(2) & 0x0f;
    next(2);
    const base = next(baseBytes);
    const pieces = next(2);
    for (let piece = 0; piece < pieces; piece++) {
      next(indexBytes);
      const offset = base + next(offsetBytes);
      next(lengthBytes);
      if (piece === 0) starts.set(id, (method === 1 ? (idat ?? file) : file).subarray(offset));
    }
  }
  return starts;
}

/** The size of each item in the container. */
function readSizesOfItems(ipma: Buffer | undefined, sizes: readonly Size[]): ReadonlyMap<number, Size> {
  const sizesOfItems = new Map<number, Size>();
  if (ipma === undefined) return sizesOfItems;
  const { next } = createNumberReader(ipma);
  const head = next(FULL_BOX_BYTES);
  const idBytes = head >>> 24 === 0 ? 2 : 4;
  const indexBytes = (head & 1) === 1 ? 2 : 1;
  const count = Math.min(next(4), ITEMS_LIMIT);
  for (let item = 0; item < count; item++) {
    const id = next(idBytes);
    const associations = next(1);
    for (let index = 0; index < associations; index++) {
      // The highest bit marks a property that must be understood. The rest is an index from 1.
      const property = next(indexBytes) & (indexBytes === 2 ? 0x7fff : 0x7f);
      sizesOfItems.set(id, larger(sizesOfItems.get(id) ?? NOTHING, sizes[property - 1] ?? NOTHING));
    }
  }
  return sizesOfItems;
}
