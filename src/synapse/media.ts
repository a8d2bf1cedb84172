import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import type { Pictures } from '../answering/answerer.ts';
import { MinerError } from '../errors.ts';
import { VIDEO_FRAMES_LIMIT } from '../media/limits.ts';
import { splitJpegs } from '../media/pictures/jpeg-stream.ts';
import { untilAborted } from '../until-aborted.ts';
import { decodeBase85 } from './base85.ts';
import type { Synapse } from './envelope.ts';

/** Compressed pictures hardly shrink any further, so a clip that inflates past this is an attack. */
const INFLATED_LIMIT_BYTES = 64 * 1024 * 1024;
const INFLATE_CHUNK_BYTES = 1024 * 1024;
/** Characters decoded between two turns of the event loop, whole groups of base64 and of base85: about 3 ms of work. */
const CHARS_PER_TURN = 1_000_000;

const inflateWhole = promisify(inflate);

/**
 * Unwraps the media of a synapse: base64 of one picture, or base85 of zlib of JPEGs one after the other.
 * @throws MinerError MEDIA_UNSUPPORTED (no media), MEDIA_UNDECODABLE, MEDIA_TOO_LARGE; the signal's reason once aborted
 */
export async function unwrapMedia({ name, media }: Synapse, signal: AbortSignal): Promise<Pictures> {
  if (media.length === 0) throw new MinerError('MEDIA_UNSUPPORTED', 'the synapse has no media');
  if (name === 'ImageSynapse') {
    const picture = await decodeInTurns(media, decodeBase64, signal);
    return { sha256Hex: await hashInTurns(picture, signal), pictures: [picture] };
  }
  const stream = await inflateBounded(await decodeInTurns(media, decodeBase85, signal), signal);
  const pictures = await splitJpegs(stream, { limit: VIDEO_FRAMES_LIMIT, signal });
  return { sha256Hex: await hashInTurns(stream, signal), pictures };
}

/** Decodes text in parts of whole groups of characters, each of which can be decoded alone. */
async function decodeInTurns(
  text: Buffer,
  decode: (part: Buffer) => Buffer | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length; at += CHARS_PER_TURN) {
    if (at > 0) await nextTurn();
    signal.throwIfAborted();
    const part = decode(text.subarray(at, at + CHARS_PER_TURN));
    if (part === undefined) throw new MinerError('MEDIA_UNDECODABLE', 'the text of the media is malformed');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Decodes padded standard base64; undefined if the text is malformed. Node skips unknown characters, so the length is checked. */
function decodeBase64(text: Buffer): Buffer | undefined {
  const padding = text.subarray(-2).filter((byte) => byte === 0x3d).length;
  const decoded = Buffer.from(text.toString('latin1'), 'base64');
  return text.length % 4 === 0 && decoded.length === (text.length / 4) * 3 - padding ? decoded : undefined;
}

/** Inflates off the event loop, and allocates nothing beyond the bound. */
async function inflateBounded(deflated: Buffer, signal: AbortSignal): Promise<Buffer> {
  try {
    const options = { maxOutputLength: INFLATED_LIMIT_BYTES, chunkSize: INFLATE_CHUNK_BYTES };
    return await untilAborted(inflateWhole(deflated, options), signal);
  } catch (error) {
    signal.throwIfAborted();
    const tooLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw tooLarge
      ? new MinerError('MEDIA_TOO_LARGE', `the clip inflates to more than ${INFLATED_LIMIT_BYTES} bytes`)
      : new MinerError('MEDIA_UNDECODABLE', 'the clip cannot be inflated', { cause: error });
  }
}

async function hashInTurns(bytes: Buffer, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += CHARS_PER_TURN) {
    if (at > 0) await nextTurn();
    signal.throwIfAborted();
    hash.update(bytes.subarray(at, at + CHARS_PER_TURN));
  }
  return hash.digest('hex');
}
