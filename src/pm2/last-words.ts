import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { printable } from '../printable.ts';

const TAIL_BYTES = 16 * 1024;
const MOST_LINES = 12;
/** The miner names the error that ended it on a line that begins with the error code. */
const FAILURE = /^[A-Z][A-Z0-9_]+: /;

/** @returns the size of a file in bytes; 0 if there is none */
export function fileSizeBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The last lines that a process wrote to its standard error, from its last error on if it named one. Never throws.
 * @param fromByte where the log of this process begins in the file; a shorter file was replaced, and is read from its
 *   begin
 */
export function lastWords(path: string, fromByte: number): string[] {
  const sizeBytes = fileSizeBytes(path);
  const begin = Math.max(fromByte <= sizeBytes ? fromByte : 0, sizeBytes - TAIL_BYTES);
  const lines = readFrom(path, begin)
    .split('\n')
    // A terminal would obey control characters.
    .map((line) => printable(line).trimEnd())
    .filter((line) => line !== '');
  const failure = lines.findLastIndex((line) => FAILURE.test(line));
  return failure === -1 ? lines.slice(-MOST_LINES) : lines.slice(failure, failure + MOST_LINES);
}

function readFrom(path: string, begin: number): string {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(TAIL_BYTES);
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, TAIL_BYTES, begin));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
