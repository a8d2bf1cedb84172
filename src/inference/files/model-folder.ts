import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, relative, sep } from 'node:path';
import { MinerError } from '../../errors.ts';
import { isAbsent } from '../../state/is-absent.ts';

/**
 * Which files belong to a model. A model may come from a stranger, and its ONNX file names other files. A file outside the
 * folder that the operator named, such as a key, must not become weights: weights show in predictions.
 */

/** In the Hugging Face cache, each file of a model is a link into the `blobs` of its repository. */
const CACHED_MODEL = /^(.*\/models--[^/]+)\/snapshots\/[^/]+(?:\/|$)/;

/**
 * Opens a file of a model for reading. The open file is checked and not its name, so a link that is set meanwhile does not
 * help.
 * @param folder the folder of the `.onnx` file; the operator named it, and it may be a link
 * @param name relative to it
 * @returns undefined if there is no regular file; a pipe would block
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
 * Whether a file belongs to the model in a folder. It does if it lies in the folder, and in a Hugging Face cache if it lies in
 * the blobs of the same repository.
 * @param folder a path without links, as `path`
 */
export function isPartOfModel(folder: string, path: string): boolean {
  if (!isHiddenOrAbove(relative(folder, path))) return true;
  const repository = CACHED_MODEL.exec(`${folder}/`)?.[1];
  return repository !== undefined && /^[^/.][^/]*$/.test(relative(join(repository, 'blobs'), path));
}

/** The operator's folder may hold more than the model. In a home folder, keys lie in hidden files. */
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
      'file (a link out of the folder is allowed in a Hugging Face cache only, into the blobs of the same repository)',
  );
}

/** The refusal of a model if a file that its ONNX file keeps weights in is missing. */
export function weightsNotFound(path: string): MinerError {
  return new MinerError(
    'MODEL_NOT_FOUND',
    `there is no ${path}, which the ONNX file keeps weights in: copy it beside the model`,
  );
}
