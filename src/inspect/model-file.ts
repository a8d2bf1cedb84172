import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { asMinerError, MinerError } from '../errors.ts';
import { locateModel } from '../inference/files/locate-model.ts';
import { listModelFiles } from '../inference/files/model-files.ts';
import { weightsNotFound } from '../inference/files/model-folder.ts';
import { type OnnxHead, readOnnxHead } from '../inference/files/onnx-file.ts';

/** A file that the ONNX file keeps weights in. */
interface WeightFile {
  /** Relative to the folder of the ONNX file. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What an ONNX file says without being run. */
export interface FileReport extends OnnxHead {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly weightFiles: readonly WeightFile[];
}

/**
 * Reads the head of an ONNX file, and hashes it and the weights beside it.
 * @param modelPath a `.onnx` file, or a folder with `model.onnx`
 * @throws MinerError MODEL_NOT_FOUND if the ONNX file or a file with its weights is missing, MODEL_UNREADABLE; the signal's
 *   reason once it is aborted
 */
export async function readModelFile(modelPath: string, signal: AbortSignal): Promise<FileReport> {
  const { onnx, files, external, missing } = await listModelFiles(locateModel(modelPath));
  const [absent] = missing;
  if (onnx === undefined) throw new MinerError('MODEL_NOT_FOUND', `there is no ${modelPath}`);
  if (absent !== undefined) throw weightsNotFound(absent);
  try {
    const weightFiles: WeightFile[] = [];
    for (const { name, path, sizeBytes } of files.filter((file) => external.includes(file.name))) {
      weightFiles.push({ name, sizeBytes, sha256: await hashFile(path, signal) });
    }
    const { path, sizeBytes } = onnx;
    return { path, sizeBytes, sha256: await hashFile(path, signal), ...(await readHead(path)), weightFiles };
  } catch (error) {
    signal.throwIfAborted();
    throw asMinerError(error, 'MODEL_UNREADABLE');
  }
}

async function readHead(path: string): Promise<OnnxHead> {
  const file = await open(path);
  try {
    return await readOnnxHead(file);
  } finally {
    await file.close();
  }
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk);
  return hash.digest('hex');
}
