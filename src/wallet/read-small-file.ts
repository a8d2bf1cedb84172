import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

export interface SmallFile {
  readonly bytes: Buffer;
  /** Whether its mode lets the group or everyone read it. */
  readonly readableByOthers: boolean;
}

/** Why `readSmallFile` refused a file that it could open. */
export class NotASmallFileError extends Error {
  override readonly name = 'NotASmallFileError';
}

/**
 * All bytes of a regular file of at most `limitBytes`. Symbolic links are followed. The checks use the open handle, so
 * the file cannot be exchanged between check and reading. A pipe or a device is refused at once.
 * @throws NotASmallFileError, or the error of the operating system
 */
export async function readSmallFile(path: string, limitBytes: number): Promise<SmallFile> {
  // O_NONBLOCK: without it, opening a pipe waits until somebody writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new NotASmallFileError('it is not a regular file');
    const buffer = Buffer.alloc(limitBytes + 1);
    let length = 0;
    while (length <= limitBytes) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > limitBytes) throw new NotASmallFileError(`it has more than ${limitBytes} bytes`);
    return { bytes: buffer.subarray(0, length), readableByOthers: (stats.mode & 0o044) !== 0 };
  } finally {
    await file.close();
  }
}
