import { createHash } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asMinerError, MinerError } from '../../errors.ts';
import { makeProcessFolder, removeStaleFolders } from '../../state/process-folder.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { ModelLook } from './model-files.ts';
import { openModelFile } from './model-folder.ts';

/**
 * A private copy of a model's files. What was checked is what runs, also in a process that is started days later,
 * whatever has become of the files themselves; and a file that is overwritten in place cannot pull the weights from
 * under a model that has them mapped.
 */
export interface ModelCopy {
  readonly folder: string;
  readonly onnxPath: string;
  /** The files that were copied. */
  readonly look: ModelLook;
  /** Of the `.onnx` file, in hexadecimal. */
  readonly sha256: string;
  /** The same for two copies of the same bytes under the same names. */
  readonly fingerprint: string;
  /** All files together. */
  readonly sizeBytes: number;
  /** Unix time in milliseconds at which the newest of the files was written. */
  readonly modifiedAtMs: number;
  /** Never throws. */
  remove(): Promise<void>;
}

/** Hashed at a time: half a millisecond in which nothing else is done. */
const CHUNK_BYTES = 256 * 1024;
/** Part of the disk that is left to others. */
const RESERVED_SHARE = 0.01;

/**
 * Makes the folder that copies are put into, and removes those that processes which are gone have left there.
 * @throws MinerError MODEL_COPY_FAILED
 */
export async function openCopiesFolder(parent: string, logger: Logger): Promise<void> {
  try {
    await makeFolder(parent);
    await removeStaleFolders(parent, logger);
  } catch (error) {
    throw asMinerError(error, 'MODEL_COPY_FAILED');
  }
}

/**
 * Copies a model's files into a folder of their own. Where the file system can share blocks between files (Btrfs, XFS)
 * the copy takes no room.
 * @param parent a folder on disk, that no one tidies
 * @throws MinerError MODEL_COPY_FAILED; the signal's reason once it is aborted
 */
export async function copyModel(look: ModelLook, parent: string, signal: AbortSignal): Promise<ModelCopy> {
  const sizeBytes = look.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const folder = await prepare(parent, sizeBytes).catch((error: unknown) => {
    throw asMinerError(error, 'MODEL_COPY_FAILED');
  });
  // What cannot be removed now is removed at the next start.
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true }).catch(() => undefined);
  try {
    const hashes: string[] = [];
    for (const { name } of look.files) {
      hashes.push(await copyOne(look.folder, name, join(folder, name), signal));
    }
    const [sha256 = ''] = hashes;
    return {
      folder,
      onnxPath: join(folder, basename(look.onnx?.name ?? '')),
      look,
      sha256,
      fingerprint: look.files.map(({ name }, index) => `${name}:${hashes[index]}`).join('/'),
      sizeBytes,
      modifiedAtMs: Math.max(...look.files.map(({ modifiedAtMs }) => modifiedAtMs)),
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
    throw new MinerError('MODEL_COPY_FAILED', `there is no room for ${mebibytes} MiB in ${parent}`);
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
  if (file === undefined)
    throw new MinerError('MODEL_COPY_FAILED', `there is no ${join(folder, name)} any more`);
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

/** Whether the file system made a copy that shares its blocks with the file. The file is named by what was opened. */
async function clone(file: FileHandle, target: string): Promise<boolean> {
  try {
    await copyFile(`/proc/self/fd/${file.fd}`, target, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    // Most file systems cannot; what is wrong with the file itself, reading it will tell.
    await rm(target, { force: true });
    return false;
  }
}
