import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asMinerError } from '../../errors.ts';
import { isAbsent } from '../../state/is-absent.ts';
import { listExternalFiles } from './external-data.ts';
import { openModelFile } from './model-folder.ts';

/** One file of a model, as it was when it was looked at. */
export interface ModelFile {
  /** Relative to the folder of the `.onnx` file. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Unix time in milliseconds. */
  readonly modifiedAtMs: number;
  /** Another one for another file, or for the same one written anew. */
  readonly mark: string;
}

/** The files of a model at one moment: the `.onnx`, the files that hold weights of it, and `model.json`. */
export interface ModelLook {
  /** The folder that the files are in. */
  readonly folder: string;
  readonly onnx: ModelFile | undefined;
  readonly files: readonly ModelFile[];
  /** Names of those that hold weights. */
  readonly external: readonly string[];
  /** Paths of those without which the model cannot be loaded. */
  readonly missing: readonly string[];
  /** The same for two looks at the same files. */
  readonly mark: string;
}

const JSON_NAME = 'model.json';

/**
 * Looks which files a model has, without reading more of them than the names of its weights' files.
 * @param modelPath a `.onnx` file, or a folder with `model.onnx`
 * @param former an earlier look, which spares reading those names again where the `.onnx` file is still the same
 * @throws MinerError MODEL_COPY_FAILED where a file cannot be looked at, MODEL_UNREADABLE where one is outside the folder
 */
export async function lookAtModel(modelPath: string, former?: ModelLook): Promise<ModelLook> {
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

/** Whether `now` is `then` without its model.json: a file that is gone, and not another model. */
export function lostModelJson(then: ModelLook, now: ModelLook): boolean {
  const had = (look: ModelLook): boolean => look.files.some(({ name }) => name === JSON_NAME);
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
      // The last can't be set: it tells of a file that was written anew under its old time.
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
