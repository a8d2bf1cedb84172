import type { Readable } from 'node:stream';

/**
 * Reads a stream to its end and keeps its first bytes only: what a child process complains of may have no end.
 * @returns what is kept so far, as text
 */
export function keepFirst(stream: Readable, limitBytes: number): () => string {
  const kept: Buffer[] = [];
  let room = limitBytes;
  stream.on('data', (chunk: Buffer) => {
    if (room === 0) return;
    const piece = chunk.subarray(0, room);
    kept.push(piece);
    room -= piece.length;
  });
  // What ends a child also ends this pipe; the exit code says what there is to say.
  stream.on('error', () => undefined);
  return () => Buffer.concat(kept).toString();
}
