import { PassThrough } from 'node:stream';

/** A stream for `createLogger` that keeps every line. */
export function createLogSink() {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const text = () => Buffer.concat(chunks).toString();
  return {
    stream,
    text,
    lines: (): Record<string, unknown>[] =>
      text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
  };
}
