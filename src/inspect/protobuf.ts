import { readSync } from 'node:fs';

/** One field of a protobuf message: a number, or where in the file the bytes of it lie. */
export type ProtobufField =
  | { readonly number: number; readonly value: number }
  | { readonly number: number; readonly start: number; readonly end: number };

const WINDOW_BYTES = 64 * 1024;
const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/**
 * Reads protobuf messages out of an open file without holding it: what is not asked for is passed over unread, so a
 * model of gigabytes costs as little as a small one.
 */
export interface ProtobufReader {
  /**
   * The fields of the message that lies in the file from `start` to `end`.
   * @throws RangeError where the bytes are no such message
   */
  fields(start: number, end: number): Generator<ProtobufField>;
  /** The bytes of a field as UTF-8, at most 64 KiB of them; empty for a number. */
  text(field: ProtobufField): string;
}

export function createProtobufReader(descriptor: number): ProtobufReader {
  const window = Buffer.alloc(WINDOW_BYTES);
  let windowStart = 0;
  let windowLength = 0;

  const byteAt = (position: number): number => {
    if (position < windowStart || position >= windowStart + windowLength) {
      windowStart = position;
      windowLength = readSync(descriptor, window, 0, WINDOW_BYTES, position);
    }
    const byte = position < windowStart + windowLength ? window[position - windowStart] : undefined;
    if (byte === undefined) throw new RangeError(`the file ends before byte ${position}`);
    return byte;
  };

  /** Numbers beyond 2^53 lose digits: no field that is read here is that large, and a length would leave the file. */
  const varint = (position: number): { readonly value: number; readonly next: number } => {
    let value = 0;
    for (let index = 0; index < 10; index += 1) {
      const byte = byteAt(position + index);
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return { value, next: position + index + 1 };
    }
    throw new RangeError(`no number at byte ${position}`);
  };

  return {
    *fields(start, end) {
      for (let position = start; position < end; ) {
        const key = varint(position);
        const number = Math.floor(key.value / 8);
        const wireType = key.value % 8;
        if (wireType === WIRE_VARINT) {
          const { value, next } = varint(key.next);
          yield { number, value };
          position = next;
        } else if (wireType === WIRE_BYTES) {
          const length = varint(key.next);
          position = length.next + length.value;
          if (position > end) throw new RangeError(`a field leaves its message at byte ${length.next}`);
          yield { number, start: length.next, end: position };
        } else if (wireType === WIRE_FIXED32 || wireType === WIRE_FIXED64) {
          position = key.next + (wireType === WIRE_FIXED32 ? 4 : 8);
        } else {
          throw new RangeError(`no field at byte ${position}`);
        }
      }
    },
    text(field) {
      if (!('start' in field)) return '';
      const bytes = Buffer.alloc(Math.min(field.end - field.start, WINDOW_BYTES));
      return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, bytes.length, field.start));
    },
  };
}
