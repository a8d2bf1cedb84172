import type { ErrorCode } from '../../errors.ts';
import type { Fit } from '../frames.ts';

/**
 * What the miner and the process that decodes pictures say to each other over the child's standard input and output.
 * A message is the length of its head (32 bits, little-endian), the head as JSON, and the bytes that the head announces.
 */

/** Asks for one picture; the file follows. */
export interface DecodeMessage {
  readonly type: 'decode';
  readonly fit: Fit;
  readonly payloadBytes: number;
}

/** What the process says: once that it is there, then one answer for each picture. */
export type PictureMessage =
  | { readonly type: 'ready'; readonly payloadBytes: 0 }
  | {
      /** The pixels follow, 8-bit RGB, fitted as was asked for; or they lie in the shared file. */
      readonly type: 'decoded';
      /** Bytes in the shared file; 0 where the pixels follow. */
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
/** The longest head is that of a refusal, whose words are cut to some hundred characters. */
const HEAD_LIMIT_BYTES = 8192;

/** What stands before the payload of a message. */
export function encodeHead(message: DecodeMessage | PictureMessage): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const head = Buffer.allocUnsafe(LENGTH_BYTES + json.length);
  head.writeUInt32LE(json.length);
  json.copy(head, LENGTH_BYTES);
  return head;
}

interface MessageReaderOptions<Message> {
  /** Bytes that may follow a head. */
  readonly payloadLimitBytes: number;
  readonly onMessage: (message: Message, payload: Buffer) => void;
}

/**
 * Puts messages together from the pieces in which a pipe delivers them. Each payload is copied once, into memory of
 * its own.
 * @returns takes the next piece; throws an Error at what is no message of this protocol
 */
export function createMessageReader<Message extends { readonly payloadBytes: number }>({
  payloadLimitBytes,
  onMessage,
}: MessageReaderOptions<Message>): (piece: Buffer) => void {
  let head = Buffer.alloc(0);
  let current: { readonly message: Message; readonly payload: Buffer; filled: number } | undefined;

  /** Takes what belongs to the head; gives what is left of the piece. */
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
