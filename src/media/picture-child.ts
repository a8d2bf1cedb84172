import { writeSync } from 'node:fs';
import { obeyParent } from '../obey-parent.ts';
import { fitFrames } from './fit-frames.ts';
import { decodeImage } from './image.ts';
import { PICTURE_FILE_LIMIT_BYTES } from './limits.ts';
import { asPictureError } from './picture-error.ts';
import {
  createMessageReader,
  type DecodeMessage,
  encodeHead,
  type PictureMessage,
} from './picture-messages.ts';

/**
 * The process that decodes pictures and fits them to a model's input. libvips cannot be interrupted and may be brought
 * to take any memory, so it lives here, where the kernel limits the memory and the miner ends the work by ending the
 * process. It speaks the messages of picture-messages.ts, on standard input and output.
 */

const OUTPUT = 1;

/** Waits until the parent has taken all: there is nothing else to do meanwhile. */
function send(message: PictureMessage, payload: Buffer = Buffer.alloc(0)): void {
  for (const bytes of [encodeHead(message), payload]) {
    for (let sent = 0; sent < bytes.length; ) sent += writeSync(OUTPUT, bytes, sent);
  }
}

async function answer({ fit }: DecodeMessage, bytes: Buffer): Promise<void> {
  try {
    const picture = await decodeImage(bytes);
    const { data } = await fitFrames(picture, fit);
    const source = { height: picture.height, width: picture.width };
    send({ type: 'decoded', source, payloadBytes: data.length }, data);
  } catch (error) {
    const { code, message } = asPictureError(error);
    send({ type: 'refused', code, message, payloadBytes: 0 });
  }
}

/** Ends at once, while libvips still works; an orderly exit would wait for it. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

function main(): void {
  obeyParent();
  const read = createMessageReader<DecodeMessage>({
    payloadLimitBytes: PICTURE_FILE_LIMIT_BYTES,
    onMessage: (message, payload) => void answer(message, payload).catch(end),
  });
  process.stdin.on('data', read);
  process.stdin.on('close', end);
  send({ type: 'ready', payloadBytes: 0 });
}

main();
