import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs';
import { asMinerError, MinerError } from '../errors.ts';
import { locateModel } from '../inference/files/locate-model.ts';
import { listModelFiles } from '../inference/files/model-files.ts';
import { weightsNotFound } from '../inference/files/model-folder.ts';
import { createProtobufReader, type ProtobufField, type ProtobufReader } from './protobuf.ts';

/** A file with weights that the ONNX file points to. */
interface WeightFile {
  /** Relative to the folder of the ONNX file. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What can be said of an ONNX file without running it; null and empty where it doesn't say. */
export interface ModelFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Name and version of the program that wrote it. */
  readonly producer: string | null;
  readonly irVersion: number | null;
  /** Versions of the operator sets; `ai.onnx` is the standard one. */
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly weightFiles: readonly WeightFile[];
}

/** Field numbers of onnx.proto. */
const MODEL = { irVersion: 1, producerName: 2, producerVersion: 3, opsetImport: 8 };
const OPSET = { domain: 1, version: 2 };

/**
 * Reads the head of an ONNX file, and hashes it and the weights beside it.
 * @param modelPath a `.onnx` file, or a folder with `model.onnx`
 * @throws MinerError MODEL_NOT_FOUND where the ONNX file or weights of it are missing, MODEL_UNREADABLE; the signal's
 *   reason once it is aborted
 */
export async function readModelFile(modelPath: string, signal: AbortSignal): Promise<ModelFile> {
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
    return { path, sizeBytes, sha256: await hashFile(path, signal), ...readHead(path), weightFiles };
  } catch (error) {
    signal.throwIfAborted();
    throw asMinerError(error, 'MODEL_UNREADABLE');
  }
}

type Head = Pick<ModelFile, 'producer' | 'irVersion' | 'opsets'>;

function readHead(path: string): Head {
  const descriptor = openSync(path, 'r');
  try {
    return parseHead(createProtobufReader(descriptor), fstatSync(descriptor).size);
  } catch (error) {
    // ONNX Runtime judges the file; what it takes and this doesn't follow has no head to show.
    if (!(error instanceof RangeError)) throw error;
    return { producer: null, irVersion: null, opsets: [] };
  } finally {
    closeSync(descriptor);
  }
}

function parseHead(reader: ProtobufReader, sizeBytes: number): Head {
  let irVersion: number | null = null;
  const producer: [string, string] = ['', ''];
  const opsets: { domain: string; version: number }[] = [];
  for (const field of reader.fields(0, sizeBytes)) {
    if (field.number === MODEL.irVersion && 'value' in field) irVersion = field.value;
    if (field.number === MODEL.producerName) producer[0] = reader.text(field);
    if (field.number === MODEL.producerVersion) producer[1] = reader.text(field);
    if (field.number === MODEL.opsetImport) opsets.push(parseOpset(reader, field));
  }
  return { producer: producer.join(' ').trim() || null, irVersion, opsets };
}

function parseOpset(reader: ProtobufReader, field: ProtobufField): { domain: string; version: number } {
  const opset = { domain: 'ai.onnx', version: 0 };
  for (const part of within(reader, field)) {
    if (part.number === OPSET.domain) opset.domain = reader.text(part) || opset.domain;
    if (part.number === OPSET.version && 'value' in part) opset.version = part.value;
  }
  return opset;
}

function within(reader: ProtobufReader, field: ProtobufField): Iterable<ProtobufField> {
  return 'start' in field ? reader.fields(field.start, field.end) : [];
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk);
  return hash.digest('hex');
}
