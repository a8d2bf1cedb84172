import { type FileHandle, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { isAbsent } from './is-absent.ts';
import { makeProcessFolder, removeStaleFolders } from './process-folder.ts';

/** A private file for one request or call. Its creator removes it. */
export interface TemporaryFile {
  /** Children read the file by this path. */
  readonly path: string;
  /**
   * Writes a chunk at the end. Wait for one call before the next.
   *
   * @throws MinerError MEDIA_NO_SPACE
   */
  append(chunk: Uint8Array): Promise<void>;
  /** Deletes the file, even during a write. A second call does nothing. */
  remove(): Promise<void>;
}

/** Makes temporary files: in memory if there is room, and otherwise on disk. One for each miner. */
export interface TemporaryFolder {
  /**
   * @param expectedBytes the size of the file, or its highest size; it decides the place
   * @throws MinerError MEDIA_NO_SPACE if neither place has room
   */
  create(expectedBytes: number): Promise<TemporaryFile>;
  /** Removes every file and the folders themselves. */
  close(): Promise<void>;
}

interface TemporaryFolderOptions {
  readonly logger?: Logger;
  /** A folder in memory. It is skipped if it does not exist. */
  readonly memoryFolder?: string;
  /** A folder on disk. */
  readonly diskFolder?: string;
  /** The highest size of all files together. No more room is reserved for them. */
  readonly mostBytes?: number;
}

/** One of the two places. */
interface Place {
  readonly parent: string;
  /** The folders of this process. The last one is in use: the host may delete a folder that was idle for days. */
  readonly folders: string[];
  /** The share of the file system that stays free for others. */
  readonly reservedShare: number;
  /** Bytes that open files may still take. */
  promisedBytes: number;
}

/** For /dev/shm, which is the memory of the host: other programs fail badly if it is full. */
const MEMORY_RESERVED_SHARE = 0.25;
const DISK_RESERVED_SHARE = 0.01;
const NO_SPACE_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Removes the folders of processes that are gone, and makes one folder (mode 0700) in memory and one on disk for this
 * process.
 */
export async function createTemporaryFolder(options: TemporaryFolderOptions = {}): Promise<TemporaryFolder> {
  const { logger, memoryFolder = '/dev/shm', diskFolder = tmpdir() } = options;
  const { mostBytes = Number.POSITIVE_INFINITY } = options;
  const places: Place[] = [];
  const files = new Set<TemporaryFile>();
  let closed = false;
  let nextFile = 0;

  const memory = await openPlace(memoryFolder, MEMORY_RESERVED_SHARE, logger).catch(() => undefined);
  if (memory !== undefined) places.push(memory);
  places.push(await openPlace(diskFolder, DISK_RESERVED_SHARE, logger));

  return {
    async create(expectedBytes) {
      if (closed) throw new MinerError('INTERNAL', 'a temporary file was requested after the close');
      for (const place of places) {
        // The room is reserved before the first `await`, so that two callers cannot get the same room.
        place.promisedBytes += expectedBytes;
        try {
          if (await hasRoom(place, Math.max(expectedBytes, Math.min(place.promisedBytes, mostBytes)))) {
            const file = await openFile(place, `${++nextFile}`, expectedBytes, () => files.delete(file));
            files.add(file);
            return file;
          }
        } catch (error) {
          place.promisedBytes -= expectedBytes;
          throw asSpaceError(error);
        }
        place.promisedBytes -= expectedBytes;
      }
      throw new MinerError('MEDIA_NO_SPACE', `there is no room for a file of ${expectedBytes} bytes`);
    },
    async close() {
      closed = true;
      await Promise.all([...files].map((file) => file.remove()));
      const folders = places.flatMap((place) => place.folders);
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    },
  };
}

async function openPlace(parent: string, reservedShare: number, logger: Logger | undefined): Promise<Place> {
  await removeStaleFolders(parent, logger);
  return { parent, folders: [await makeProcessFolder(parent)], reservedShare, promisedBytes: 0 };
}

async function hasRoom({ parent, reservedShare }: Place, neededBytes: number): Promise<boolean> {
  const { bavail, blocks, bsize } = await statfs(parent);
  return bavail * bsize - neededBytes >= blocks * bsize * reservedShare;
}

async function openFile(
  place: Place,
  name: string,
  expectedBytes: number,
  onRemove: () => void,
): Promise<TemporaryFile> {
  const { path, handle } = await openIn(place, name);
  let promisedBytes = expectedBytes;
  const settle = (bytes: number) => {
    const settled = Math.min(bytes, promisedBytes);
    promisedBytes -= settled;
    place.promisedBytes -= settled;
  };
  let removal: Promise<void> | undefined;
  return {
    path,
    async append(chunk) {
      try {
        await handle.appendFile(chunk);
      } catch (error) {
        throw asSpaceError(error);
      }
      settle(chunk.byteLength);
    },
    remove() {
      settle(promisedBytes);
      onRemove();
      removal ??= rm(path, { force: true }).finally(() => handle.close());
      return removal;
    },
  };
}

async function openIn(place: Place, name: string): Promise<{ path: string; handle: FileHandle }> {
  const path = join(place.folders.at(-1) ?? place.parent, name);
  try {
    return { path, handle: await open(path, 'wx', 0o600) };
  } catch (error) {
    if (!isAbsent(error)) throw error;
    const folder = await makeProcessFolder(place.parent);
    place.folders.push(folder);
    return { path: join(folder, name), handle: await open(join(folder, name), 'wx', 0o600) };
  }
}

function asSpaceError(error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!NO_SPACE_CODES.has(code)) return error;
  return new MinerError('MEDIA_NO_SPACE', `writing a temporary file failed with ${code}`, { cause: error });
}
