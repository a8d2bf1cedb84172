/** Open bitstream units to read: the sequence header of a picture is the first or the second. */
const UNITS_LIMIT = 8;
const SEQUENCE_HEADER = 1;

/** Reads bits, the highest first. Beyond the end all bits are 0. */
type ReadBits = (count: number) => number;

function createBitReader(bytes: Buffer): ReadBits {
  let at = 0;
  return (count) => {
    let value = 0;
    for (let end = at + count; at < end; at++) {
      value = value * 2 + (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    }
    return value;
  };
}

/**
 * The largest frame of an AV1 stream, from its sequence header; undefined if there is none at its start. The decoder
 * uses this size and ignores the container's. (AV1 Bitstream & Decoding Process, 5.3 and 5.5)
 */
export function readAv1FrameSize(
  stream: Buffer,
): { readonly width: number; readonly height: number } | undefined {
  let at = 0;
  for (let count = 0; count < UNITS_LIMIT && at < stream.length; count++) {
    const head = stream[at] ?? 0;
    at += (head & 0x04) === 0 ? 1 : 2;
    let length = stream.length - at;
    if ((head & 0x02) !== 0) {
      length = 0;
      for (let index = 0; index < 5; index++) {
        const byte = stream[at++] ?? 0;
        length += (byte & 0x7f) * 2 ** (7 * index);
        if (byte < 0x80) break;
      }
    }
    if (((head >> 3) & 0x0f) === SEQUENCE_HEADER) return parseSequence(stream.subarray(at, at + length));
    at += length;
  }
  return undefined;
}

function parseSequence(header: Buffer): { readonly width: number; readonly height: number } {
  const bits = createBitReader(header);
  bits(4);
  const isReduced = bits(1) === 1;
  if (isReduced) bits(5);
  else skipOperatingPoints(bits);
  const widthBits = bits(4) + 1;
  const heightBits = bits(4) + 1;
  return { width: bits(widthBits) + 1, height: bits(heightBits) + 1 };
}

function skipOperatingPoints(bits: ReadBits): void {
  let delayBits: number | undefined;
  if (bits(1) === 1) {
    bits(64);
    if (bits(1) === 1) skipVariableLength(bits);
    if (bits(1) === 1) {
      delayBits = bits(5) + 1;
      bits(32 + 5 + 5);
    }
  }
  const hasDisplayDelay = bits(1) === 1;
  const points = bits(5) + 1;
  for (let point = 0; point < points; point++) {
    bits(12);
    if (bits(5) > 7) bits(1);
    if (delayBits !== undefined && bits(1) === 1) bits(2 * delayBits + 1);
    if (hasDisplayDelay && bits(1) === 1) bits(4);
  }
}

/** A number that follows as many zeros as it has bits. */
function skipVariableLength(bits: ReadBits): void {
  let zeros = 0;
  while (zeros < 32 && bits(1) === 0) zeros += 1;
  bits(zeros < 32 ? zeros : 0);
}
