import { setImmediate as nextTurn } from 'node:timers/promises';
import { MinerError } from '../../errors.ts';

/** Bytes read between two turns of the event loop: about 2 ms of work. */
const BYTES_PER_TURN = 1024 * 1024;

const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const TEMPORARY = 0x01;
/** After 0xff inside a scan: the byte 0xff itself. */
const STUFFING = 0x00;
/** Any number of these may precede a marker. */
const FILL = 0xff;
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;

interface SplitOptions {
  /** The highest number of pictures to find. The rest is not read. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/**
 * Splits JPEGs that directly follow each other. It reads the markers one by one, because an end marker may also be
 * inside a segment, such as that of a thumbnail.
 * @throws MinerError MEDIA_UNDECODABLE if the bytes are not JPEGs up to the end; the signal's reason once aborted
 */
export async function splitJpegs(bytes: Buffer, { limit, signal }: SplitOptions): Promise<Buffer[]> {
  const pictures: Buffer[] = [];
  let turnEndsAt = BYTES_PER_TURN;

  /** Yields the event loop when enough was read. */
  async function breathe(at: number): Promise<void> {
    if (at < turnEndsAt) return;
    turnEndsAt = at + BYTES_PER_TURN;
    await nextTurn();
    signal.throwIfAborted();
  }

  /** The offset of the marker that ends the scan at `from`. */
  async function scanEnd(from: number): Promise<number> {
    for (let at = from; at < bytes.length; await breathe(at)) {
      const until = Math.min(turnEndsAt, bytes.length);
      while (at < until && !(bytes[at] === 0xff && endsScan(bytes[at + 1]))) at++;
      if (at < until) return at;
    }
    return bytes.length;
  }

  /** The offset at which the JPEG at `start` ends. */
  async function jpegEnd(start: number): Promise<number> {
    if (bytes[start] !== 0xff || bytes[start + 1] !== START_OF_IMAGE) throw broken(start);
    for (let at = start + 2; ; ) {
      if (at >= turnEndsAt) await breathe(at);
      const marker = bytes[at + 1];
      if (bytes[at] !== 0xff || marker === undefined) throw broken(at);
      if (marker === END_OF_IMAGE) return at + 2;
      if (marker === FILL) at += 1;
      else if (marker === TEMPORARY || isRestart(marker)) at += 2;
      else {
        const length = at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : 0;
        if (marker === STUFFING || marker === START_OF_IMAGE || length < 2) throw broken(at);
        at += 2 + length;
        if (marker === START_OF_SCAN) at = await scanEnd(at);
      }
    }
  }

  for (let start = 0; start < bytes.length && pictures.length < limit; ) {
    const end = await jpegEnd(start);
    pictures.push(bytes.subarray(start, end));
    start = end;
  }
  return pictures;
}

/** Whether the byte after 0xff ends the data of a scan: it is no stuffed zero, restart marker or fill byte. */
function endsScan(marker: number | undefined): boolean {
  return marker !== undefined && marker !== STUFFING && marker !== FILL && !isRestart(marker);
}

function broken(at: number): MinerError {
  return new MinerError(
    'MEDIA_UNDECODABLE',
    `the clip is not a sequence of whole JPEGs: broken at byte ${at}`,
  );
}
