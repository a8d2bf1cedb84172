import { describe, expect, it } from 'vitest';
import {
  createMessageReader,
  type DecodeMessage,
  encodeHead,
} from '../../../src/media/pictures/picture-messages.ts';

const message = (payloadBytes: number): DecodeMessage => ({
  type: 'decode',
  fit: { mode: 'native' },
  payloadBytes,
});

function reader(payloadLimitBytes = 100) {
  const received: Array<{ readonly message: DecodeMessage; readonly payload: Buffer }> = [];
  const read = createMessageReader<DecodeMessage>({
    payloadLimitBytes,
    onMessage: (one, payload) => void received.push({ message: one, payload }),
  });
  return { read, received };
}

describe('messages through a pipe', () => {
  it.each([1, 2, 3, 7, 1000])('messages are read from pieces of %i bytes', (pieceBytes) => {
    const { read, received } = reader();
    const payloads = [Buffer.from('first'), Buffer.alloc(0), Buffer.from('third one')];
    const stream = Buffer.concat(
      payloads.flatMap((payload) => [encodeHead(message(payload.length)), payload]),
    );
    for (let at = 0; at < stream.length; at += pieceBytes) read(stream.subarray(at, at + pieceBytes));
    expect(received).toEqual(payloads.map((payload) => ({ message: message(payload.length), payload })));
  });

  it('a message with too long a payload is refused before memory is allocated', () => {
    const { read, received } = reader();
    expect(() => read(encodeHead(message(101)))).toThrow('a message with 101 bytes');
    expect(() => reader().read(encodeHead(message(-1)))).toThrow('a message with -1 bytes');
    expect(received).toEqual([]);
  });

  it('a message whose head is too long or no JSON is refused', () => {
    expect(() => reader().read(Buffer.from([0xff, 0xff, 0xff, 0x7f]))).toThrow('a head of 2147483651 bytes');
    expect(() => reader().read(Buffer.from('\x02\0\0\0{]', 'latin1'))).toThrow(SyntaxError);
  });
});
