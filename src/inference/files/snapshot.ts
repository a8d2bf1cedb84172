import { createHash } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asMinerError, MinerError } from '../../errors.ts';
import { makeProcessFolder, removeStaleFolders } from '../../state/process-folder.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ModelFiles } from './model-files.ts';
import { openModelFile } from './model-folder.ts';

/**
 * A snapshot: a private copy of a model's files. A process that is started days later runs the bytes that were checked,
 * whatever became of the files since. A file that is overwritten in place cannot change the weights of a running model,
 * which has the snapshot mapped.
 */

export interface Snapshot {
  readonly folder: string;
  readonly onnxPath: string;
  /** The files that were copied. */
  readonly takenFrom: ModelFiles;
  /** Of the `.onnx` file, in hexadecimal. */
  readonly sha256: string;
  /** The same for two snapshots of the same bytes under the same names. */
  readonly fingerprint: string;
  /** All files together. */
  readonly sizeBytes: number;
  /** Unix time in milliseconds at which the newest of the files was written. */
  readonly modifiedAtMs: number;
  /** Never throws. */
  remove(): Promise<void>;
}

/** Hashed at a time. It blocks the event loop for half a millisecond. */
const CHUNK_BYTES = 256 * 1024;
/** Share of the disk that is left to other programs. */
const RESERVED_SHARE = 0.01;

/**
 * Makes the folder of the snapshots, and removes snapshots of processes that have ended.
 * @throws MinerError MODEL_COPY_FAILED
 */
export async function openSnapshotsFolder(parent: string, logger: Logger): Promise<void> {
  try {
    await makeFolder(parent);
    await removeStaleFolders(parent, logger);
  } catch (error) {
    throw asMinerError(error, 'MODEL_COPY_FAILED');
  }
}

/**
 * Copies a model's files into a new folder. On a file system that shares blocks between files (Btrfs, XFS), the copy takes
 * no space.
 * @param parent the folder of the snapshots, on disk
 * @throws MinerError MODEL_COPY_FAILED; the signal's reason once it is aborted
 */
export async function takeSnapshot(
  takenFrom: ModelFiles,
  parent: string,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { onnx, files } = takenFrom;
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const folder = await prepare(parent, sizeBytes).catch((error: unknown) => {
    throw asMinerError(error, 'MODEL_COPY_FAILED');
  });
  // A folder that cannot be removed now is removed at the next start.
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true }).catch(() => undefined);
  try {
    const hashes: string[] = [];
    for (const { name } of files) {
      hashes.push(await copyOne(takenFrom.folder, name, join(folder, name), signal));
    }
    const [sha256 = ''] = hashes;
    return {
      folder,
      onnxPath: join(folder, basename(onnx?.name ?? '')),
      takenFrom,
      sha256,
      fingerprint: files.map(({ name }, index) => `${name}:${hashes[index]}`).join('/'),
      sizeBytes,
      modifiedAtMs: Math.max(...files.map(({ modifiedAtMs }) => modifiedAtMs)),
      remove,
    };
  } catch (error) {
    await remove();
    signal.throwIfAborted();
    throw asMinerError(error, 'MODEL_COPY_FAILED');
  }
}

async function prepare(parent: string, neededBytes: number): Promise<string> {
  await makeFolder(parent);
  const { bavail, blocks, bsize } = await statfs(parent);
  if (bavail * bsize - neededBytes < blocks * bsize * RESERVED_SHARE) {
    const mebibytes = Math.ceil(neededBytes / 2 ** 20);
    throw new MinerError('MODEL_COPY_FAILED', `${parent} has no room for ${mebibytes} MiB`);
  }
  return makeProcessFolder(parent);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** @returns the SHA-256 of the copy */
async function copyOne(folder: string, name: string, target: string, signal: AbortSignal): Promise<string> {
  await makeFolder(dirname(target));
  const file = await openModelFile(folder, name);
  if (file === undefined) throw new MinerError('MODEL_COPY_FAILED', `${join(folder, name)} is gone`);
  try {
    if (!(await clone(file, target))) return await copyBytes(file, target, signal);
  } finally {
    await file.close();
  }
  const copy = await open(target);
  const hash = createHash('sha256');
  for await (const chunk of copy.createReadStream({ highWaterMark: CHUNK_BYTES, signal })) hash.update(chunk);
  return hash.digest('hex');
}

async function copyBytes(file: FileHandle, target: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    file.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false, start: 0, signal }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(target, { mode: 0o600 }),
    { signal },
  );
  return hash.digest('hex');
}

/** Whether the file system could make a copy that shares its blocks. The path names the open file, not its name on disk. */
async function clone(file: FileHandle, target: string): Promise<boolean> {
  try {
    await copyFile(`/proc/self/fd/${file.fd}`, target, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    // Most file systems cannot. If the file itself is at fault, reading it will show that.
    await rm(target, { force: true });
    return false;
  }
}
