import type { ErrorCode } from '../../errors.ts';
import type { Fit } from '../frames.ts';

/**
 * The messages between the miner and the process that decodes pictures, over the child's standard input and output. A
 * message is the length of its head (32 bits, little-endian), the head as JSON, and as many bytes as the head names.
 */

/** Asks for one picture; the file follows. */
export interface DecodeMessage {
  readonly type: 'decode';
  readonly fit: Fit;
  readonly payloadBytes: number;
}

/** The messages of the process: `ready` once, and then one answer for each picture. */
export type PictureMessage =
  | { readonly type: 'ready'; readonly payloadBytes: 0 }
  | {
      /** The fitted pixels, 8-bit RGB, follow or are in the shared file. */
      readonly type: 'decoded';
      /** Bytes in the shared file; 0 if the pixels follow. */
      readonly sharedBytes: number;
      /** The size of the picture before it was fitted. */
      readonly source: { readonly height: number; readonly width: number };
      readonly payloadBytes: number;
    }
  | {
      readonly type: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
      readonly payloadBytes: 0;
    };

/** Descriptor of the shared file in the child. */
export const SHARED_DESCRIPTOR = 3;

const LENGTH_BYTES = 4;
/** The longest head is that of a refusal; its words are cut to a few hundred characters. */
const HEAD_LIMIT_BYTES = 8192;

/** The bytes before the payload of a message. */
export function encodeHead(message: DecodeMessage | PictureMessage): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.allocUnsafe(LENGTH_BYTES + json.length);
  head.writeUInt32LE(json.length);
  json.copy(head, LENGTH_BYTES);
  return head;
}

interface MessageReaderOptions<Message> {
  /** The highest number of bytes after a head. */
  readonly payloadLimitBytes: number;
  readonly onMessage: (message: Message, payload: Buffer) => void;
}

/**
 * Reads messages from the pieces that a pipe delivers. Each payload is copied once, into memory of its own.
 * @returns a function for the next piece; it throws an Error if the bytes are no message
 */
export function createMessageReader<Message extends { readonly payloadBytes: number }>({
  payloadLimitBytes,
  onMessage,
}: MessageReaderOptions<Message>): (piece: Buffer) => void {
  let head = Buffer.alloc(0);
  let current: { readonly message: Message; readonly payload: Buffer; filled: number } | undefined;

  /** Reads the head. Returns the rest of the piece. */
  function readHead(piece: Buffer): Buffer {
    const seen = head.length;
    head = Buffer.concat([head, piece.subarray(0, LENGTH_BYTES + HEAD_LIMIT_BYTES - seen)]);
    if (head.length < LENGTH_BYTES) return piece.subarray(piece.length);
    const end = LENGTH_BYTES + head.readUInt32LE();
    if (end > LENGTH_BYTES + HEAD_LIMIT_BYTES) throw new Error(`a head of ${end} bytes`);
    if (head.length < end) return piece.subarray(piece.length);
    const message = JSON.parse(head.toString('utf8', LENGTH_BYTES, end)) as Message;
    const { payloadBytes } = message;
    if (!Number.isInteger(payloadBytes) || payloadBytes < 0 || payloadBytes > payloadLimitBytes) {
      throw new Error(`a message with ${payloadBytes} bytes`);
    }
    head = Buffer.alloc(0);
    current = { message, payload: Buffer.allocUnsafeSlow(payloadBytes), filled: 0 };
    return piece.subarray(end - seen);
  }

  return (piece) => {
    for (let rest = piece; rest.length > 0 || current?.filled === current?.payload.length; ) {
      if (current === undefined) {
        if (rest.length === 0) return;
        rest = readHead(rest);
        continue;
      }
      const copied = rest.copy(current.payload, current.filled);
      current.filled += copied;
      rest = rest.subarray(copied);
      if (current.filled < current.payload.length) return;
      const { message, payload } = current;
      current = undefined;
      onMessage(message, payload);
    }
  };
}
