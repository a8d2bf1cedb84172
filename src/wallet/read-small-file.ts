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
 * All bytes of a regular file of at most `limitBytes`; symbolic links are followed. The handle is asked, not the
 * path, so that the file cannot be exchanged in between, and a pipe or a device is refused instead of waited for.
 * @throws NotASmallFileError, or the error of the operating system
 */
export async function readSmallFile(path: string, limitBytes: number): Promise<SmallFile> {
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
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
