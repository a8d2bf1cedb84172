import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asMinerError } from '../../errors.ts';
import { isAbsent } from '../../state/is-absent.ts';
import { openModelFile } from './model-folder.ts';
import { listExternalFiles } from './onnx-file.ts';

/**
 * Which files a model has, and whether they are the same as before. The watcher asks every two seconds, so only sizes, times
 * and inodes are read, and the names of the files with weights.
 */

/** One file of a model at one moment. */
export interface ModelFile {
  /** Relative to the folder of the `.onnx` file. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Unix time in milliseconds. */
  readonly modifiedAtMs: number;
  /** Changes when the file is replaced or written. */
  readonly mark: string;
}

/** The files of a model at one moment: the `.onnx`, the files with its weights, and `model.json`. */
export interface ModelFiles {
  /** The folder that the files are in. */
  readonly folder: string;
  readonly onnx: ModelFile | undefined;
  readonly files: readonly ModelFile[];
  /** Names of the files with weights. */
  readonly external: readonly string[];
  /** Paths of files that the model needs and that are not there. */
  readonly missing: readonly string[];
  /** Changes when a file comes, goes, is replaced or is written. */
  readonly mark: string;
}

const JSON_NAME = 'model.json';

/**
 * Lists the files of a model.
 * @param modelPath a `.onnx` file, or a folder with `model.onnx`
 * @param former an earlier list: if the `.onnx` file is the same, the names of the files with weights are taken from it
 * @throws MinerError MODEL_COPY_FAILED if a file cannot be read, MODEL_UNREADABLE if one is outside the folder
 */
export async function listModelFiles(modelPath: string, former?: ModelFiles): Promise<ModelFiles> {
  try {
    const folderGiven = (await statOf(modelPath))?.isDirectory() === true;
    const onnxPath = folderGiven ? join(modelPath, 'model.onnx') : modelPath;
    const folder = dirname(onnxPath);
    const onnx = await fileAt(folder, basename(onnxPath));
    if (onnx === undefined) {
      return { folder, onnx, files: [], external: [], missing: [onnxPath], mark: 'missing' };
    }
    const external =
      former?.onnx?.mark === onnx.mark ? former.external : await externalFilesOf(onnx.name, folder);
    const others = await Promise.all([...external, JSON_NAME].map((name) => fileAt(folder, name)));
    const files = [onnx, ...others.filter((file) => file !== undefined)];
    const missing = external
      .filter((name) => !files.some((file) => file.name === name))
      .map((name) => join(folder, name));
    const mark = files.map((file) => `${file.name}:${file.mark}`).join('/');
    return { folder, onnx, files, external, missing, mark };
  } catch (error) {
    throw asMinerError(error, 'MODEL_COPY_FAILED');
  }
}

/** Whether `now` is `then` without its model.json: then a file is missing, and the model is not another one. */
export function lostModelJson(then: ModelFiles, now: ModelFiles): boolean {
  const had = ({ files }: ModelFiles): boolean => files.some(({ name }) => name === JSON_NAME);
  return had(then) && !had(now) && then.onnx?.mark === now.onnx?.mark;
}

async function externalFilesOf(name: string, folder: string): Promise<string[]> {
  const file = await openModelFile(folder, name);
  try {
    return file === undefined ? [] : await listExternalFiles(file);
  } finally {
    await file?.close();
  }
}

async function fileAt(folder: string, name: string): Promise<ModelFile | undefined> {
  const file = await openModelFile(folder, name);
  if (file === undefined) return undefined;
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
    return {
      name,
      path: join(folder, name),
      sizeBytes: Number(size),
      modifiedAtMs: Number(mtimeNs / 1_000_000n),
      // Tools can set mtime, but not ctime: it shows a file that was written and given its old time.
      mark: `${dev}-${ino}-${size}-${mtimeNs}-${ctimeNs}`,
    };
  } finally {
    await file.close();
  }
}

async function statOf(path: string) {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
