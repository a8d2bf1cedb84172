import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, relative, sep } from 'node:path';
import { MinerError } from '../../errors.ts';
import { isAbsent } from '../../state/is-absent.ts';

/**
 * Which files are parts of a model. A model may come from anybody, and its files name others: what lies outside the folder
 * that the operator named, such as a key, must not become weights that show in predictions.
 */

/** The cache of Hugging Face: each file of a snapshot is a link into the `blobs` of the same repository. */
const SNAPSHOT = /^(.*\/models--[^/]+)\/snapshots\/[^/]+(?:\/|$)/;

/**
 * Opens a file of a model to read it. It is judged by what was opened, so that a link that is set meanwhile gains nothing.
 * @param folder the folder of the `.onnx` file; the operator named it, and it may be a link
 * @param name relative to it
 * @returns undefined where there is none, and for what is no regular file: a pipe would have to be waited for
 * @throws MinerError MODEL_UNREADABLE for a file outside the folder; what opening it throws
 */
export async function openModelFile(folder: string, name: string): Promise<FileHandle | undefined> {
  if (isAbsolute(name) || isHiddenOrAbove(name)) throw outside(folder, name);
  let file: FileHandle;
  let root: string;
  try {
    root = await realpath(folder);
    const path = join(root, name);
    if (!(await stat(path)).isFile()) return undefined;
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  try {
    const opened = await readlink(`/proc/self/fd/${file.fd}`);
    if (!isPartOfModel(root, opened)) throw outside(folder, name);
    if ((await file.stat()).isFile()) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/**
 * Whether a file is one of the model in a folder, both without links on their way: in the folder, or in the blobs of the
 * same repository where the folder is a snapshot in a cache of Hugging Face.
 */
export function isPartOfModel(folder: string, path: string): boolean {
  if (!isHiddenOrAbove(relative(folder, path))) return true;
  const repository = SNAPSHOT.exec(`${folder}/`)?.[1];
  return repository !== undefined && /^[^/.][^/]*$/.test(relative(join(repository, 'blobs'), path));
}

/** A folder that the operator named may hold more than the model: of a home folder, the hidden files hold the keys. */
function isHiddenOrAbove(path: string): boolean {
  return normalize(path)
    .split(sep)
    .some((part) => part.startsWith('.'));
}

/** The refusal of a file that is no part of its model. */
export function outside(folder: string, name: string): MinerError {
  return new MinerError(
    'MODEL_UNREADABLE',
    `the model in ${folder} has a file outside its folder, or a hidden one: ${name}; put the file itself beside the ONNX ` +
      'file (only in a Hugging Face cache may it be a link, into the blobs of its own repository)',
  );
}
