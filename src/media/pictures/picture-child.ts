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
 * The process that decodes pictures and fits them to a model's input. libvips cannot be interrupted, and a picture can
 * make it take any memory. So it runs in this process, where the kernel limits the memory, and where the miner ends the
 * work by killing the process. The messages of picture-messages.ts go over standard input and output.
 */

const OUTPUT = 1;
/** Up to this size the pipe is as cheap as the shared file. */
const INLINE_LIMIT_BYTES = 160 * 1024;
/** From this size on a full collection returns all memory. */
const LARGE_BYTES = 16 * 1024 * 1024;

/** Blocks until the parent has read everything: there is no other work. */
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
 * Returns the memory of a picture before the next one.
 * @param bytes of its file and pixels; a full collection takes 6 ms, and a minor one is enough for small pictures
 */
function releaseMemory(bytes: number): void {
  // In the next turn of the event loop: until then sharp still holds the pixels.
  setImmediate(() => {
    if (bytes < LARGE_BYTES) globalThis.gc?.({ type: 'minor' });
    else globalThis.gc?.();
  });
}

/** Ends at once, even if libvips works: an orderly exit would wait for it. */
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
