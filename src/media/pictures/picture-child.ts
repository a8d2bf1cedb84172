import { writeSync } from 'node:fs';
import { obeyParent } from '../../obey-parent.ts';
import { fitFrames } from '../fitting/fit-frames.ts';
import { PICTURE_FILE_LIMIT_BYTES } from '../limits.ts';
import { decodeImage } from './image.ts';
import { asPictureError } from './picture-error.ts';
import {
  createMessageReader,
  type DecodeMessage,
  encodeHead,
  type PictureMessage,
  SHARED_DESCRIPTOR,
} from './picture-messages.ts';
import { writePixelFile } from './pixel-file.ts';

/**
 * The process that decodes pictures and fits them to a model's input. libvips cannot be interrupted and may be brought
 * to take any memory, so it lives here, where the kernel limits the memory and the miner ends the work by ending the
 * process. It speaks the messages of picture-messages.ts, on standard input and output.
 */

const OUTPUT = 1;
/** Up to here the pipe is as cheap as the shared file. */
const INLINE_LIMIT_BYTES = 160 * 1024;
/** From here on all memory is given back, wherever it is held. */
const LARGE_BYTES = 16 * 1024 * 1024;

/** Waits until the parent has taken all: there is nothing else to do meanwhile. */
function send(message: PictureMessage, payload: Buffer = Buffer.alloc(0)): void {
  for (const bytes of [encodeHead(message), payload]) {
    for (let sent = 0; sent < bytes.length; ) sent += writeSync(OUTPUT, bytes, sent);
  }
}

/** @returns bytes of the file and of the pixels */
async function answer({ fit }: DecodeMessage, bytes: Buffer): Promise<number> {
  try {
    const picture = await decodeImage(bytes);
    const { data } = await fitFrames(picture, fit);
    const source = { height: picture.height, width: picture.width };
    const isShared = data.length > INLINE_LIMIT_BYTES && writePixelFile(SHARED_DESCRIPTOR, data);
    if (isShared) send({ type: 'decoded', source, sharedBytes: data.length, payloadBytes: 0 });
    else send({ type: 'decoded', source, sharedBytes: 0, payloadBytes: data.length }, data);
    return bytes.length + picture.data.length + data.length;
  } catch (error) {
    const { code, message } = asPictureError(error);
    send({ type: 'refused', code, message, payloadBytes: 0 });
    return LARGE_BYTES;
  }
}

/**
 * Gives back the file and the pixels of a picture before there is a next one.
 * @param bytes that they had; a full collection takes 6 ms, and one of what is young suffices for small ones
 */
function releaseMemory(bytes: number): void {
  // In a turn of its own: sharp still holds the pixels in that in which it gives them.
  setImmediate(() => {
    if (bytes < LARGE_BYTES) globalThis.gc?.({ type: 'minor' });
    else globalThis.gc?.();
  });
}

/** Ends at once, while libvips still works; an orderly exit would wait for it. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

function main(): void {
  obeyParent();
  const read = createMessageReader<DecodeMessage>({
    payloadLimitBytes: PICTURE_FILE_LIMIT_BYTES,
    onMessage: (message, payload) => void answer(message, payload).then(releaseMemory, end),
  });
  process.stdin.on('data', read);
  process.stdin.on('close', end);
  send({ type: 'ready', payloadBytes: 0 });
}

main();
