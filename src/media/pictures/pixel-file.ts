import { closeSync, fstatSync, ftruncateSync, openSync, read, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Memory that two processes share: a file in memory without a name, so that nothing is left of it when they end.
 * Passing 3 MB of pixels costs 1 ms of CPU time, and 5 ms through a pipe.
 */
export interface PixelFile {
  readonly descriptor: number;
  /** A copy of the first bytes of the file. */
  read(bytes: number): Promise<Buffer>;
  close(): void;
}

const MEMORY_FOLDER = '/dev/shm';
/** The size that the file may keep between two pictures, 1024 × 1024 pixels: fresh memory costs more than writing. */
const KEPT_BYTES = 4 * 1024 * 1024;

const readAsync = promisify(read);

/**
 * @param name unique in this process
 * @returns undefined if there is no file system in memory, or no room
 */
export function openPixelFile(name: string): PixelFile | undefined {
  const path = join(MEMORY_FOLDER, `sn34-miner-pixels-${process.pid}-${name}`);
  let descriptor: number;
  try {
    descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  } catch {
    return undefined;
  }
  let isOpen = true;
  return {
    descriptor,
    async read(bytes) {
      const pixels = Buffer.allocUnsafeSlow(bytes);
      for (let at = 0; at < bytes; ) {
        const { bytesRead } = await readAsync(descriptor, pixels, at, bytes - at, at);
        if (bytesRead === 0) throw new Error(`the pixels end after ${at} of ${bytes} bytes`);
        at += bytesRead;
      }
      if (isOpen && fstatSync(descriptor).size > KEPT_BYTES) ftruncateSync(descriptor);
      return pixels;
    },
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

/**
 * Writes pixels in the other process.
 * @returns false if there is no such file, or no room
 */
export function writePixelFile(descriptor: number, pixels: Buffer): boolean {
  try {
    for (let at = 0; at < pixels.length; ) {
      at += writeSync(descriptor, pixels, at, pixels.length - at, at);
    }
    return true;
  } catch {
    return false;
  }
}
