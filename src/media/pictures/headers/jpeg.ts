import type { CodedPicture } from './coded-picture.ts';

/**
 * Bytes for a pixel of JPEG: 3 for the result, and the rest for libvips between its steps. Measured as the growth of
 * VmData over 40 megapixels: 3.6 for RGB, 3.8 for CMYK.
 */
const BYTES_PER_PIXEL = 4;
/**
 * libjpeg keeps all coefficients of a picture whose pixels come in several scans. Measured: 3.0 more a pixel for 4:2:0,
 * 6.0 for 4:4:4.
 */
const BYTES_PER_COEFFICIENT = 2;
/**
 * Segments before the frame header. Colour profiles and metadata come in pieces of 64 kB; real files have some hundred.
 */
const SEGMENTS_LIMIT = 4096;
const BLOCK_EDGE = 8;

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;

/** Baseline, extended and progressive frames, by Huffman or arithmetic coding; not DHT (c4), JPG (c8), DAC (cc). */
const isFrameHeader = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
/** The markers of progressive frames. */
const isProgressive = (marker: number) => (marker & 0x03) === 2;
/** Markers without a length: TEM, restarts, SOI, EOI. */
const standsAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9);

interface Segment {
  readonly marker: number;
  /** The bytes after the length. */
  readonly body: Buffer;
  /** The offset of its end. */
  readonly end: number;
}

/** The next marker and its segment, after any other bytes; undefined at the end. */
function nextSegment(bytes: Buffer, from: number): Segment | undefined {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const marker = bytes[at + 1];
    if (marker === undefined) return undefined;
    if (marker === 0x00 || marker === 0xff || (standsAlone(marker) && marker !== END_OF_IMAGE)) continue;
    const start = at + 2;
    if (marker === END_OF_IMAGE) return { marker, body: bytes.subarray(start, start), end: start };
    if (start + 2 > bytes.length) return undefined;
    const end = start + Math.max(2, bytes.readUInt16BE(start));
    return { marker, body: bytes.subarray(start + 2, end), end };
  }
  return undefined;
}

/** The size of a JPEG, and the memory for decoding it; undefined if the header is not understood. */
export function readJpegHeader(bytes: Buffer): CodedPicture | undefined {
  let frame: Segment | undefined;
  let at = 2;
  for (let count = 0; count < SEGMENTS_LIMIT; count++) {
    const segment = nextSegment(bytes, at);
    if (segment === undefined || segment.marker === END_OF_IMAGE) return undefined;
    if (segment.marker === START_OF_SCAN) {
      return frame === undefined ? undefined : describe(frame, segment.body[0] ?? 0);
    }
    if (isFrameHeader(segment.marker)) frame = segment;
    at = segment.end;
  }
  return undefined;
}

/** @param componentsOfScan components of the first scan; if some are missing, other scans follow */
function describe({ marker, body }: Segment, componentsOfScan: number): CodedPicture | undefined {
  const components = body[5] ?? 0;
  if (components === 0 || body.length < 6 + components * 3) return undefined;
  const [height, width] = [body.readUInt16BE(1), body.readUInt16BE(3)];
  const sampling = Array.from({ length: components }, (_, index) => {
    const factors = body[7 + index * 3] ?? 0;
    return { across: factors >> 4, down: factors & 0x0f };
  });
  const across = Math.max(...sampling.map((factor) => factor.across));
  const down = Math.max(...sampling.map((factor) => factor.down));
  if (across === 0 || down === 0) return undefined;
  const units = Math.ceil(width / (BLOCK_EDGE * across)) * Math.ceil(height / (BLOCK_EDGE * down));
  const blocks = sampling.reduce((sum, factor) => sum + factor.across * factor.down, 0) * units;
  const keepsCoefficients = isProgressive(marker) || componentsOfScan < components;
  const coefficients = keepsCoefficients ? blocks * BLOCK_EDGE * BLOCK_EDGE : 0;
  const memoryBytes = width * height * BYTES_PER_PIXEL + coefficients * BYTES_PER_COEFFICIENT;
  return { width, height, memoryBytes };
}

/**
 * The number of scans of a JPEG. A scan of a dozen bytes can make the decoder process all pixels again.
 * @param limit the highest number to count to
 */
export function countJpegScans(bytes: Buffer, limit: number): number {
  let scans = 0;
  for (let at = 2; scans < limit; ) {
    const segment = nextSegment(bytes, at);
    if (segment === undefined || segment.marker === END_OF_IMAGE) break;
    if (segment.marker === START_OF_SCAN) scans += 1;
    at = segment.end;
  }
  return scans;
}
