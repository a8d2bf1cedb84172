import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createProtobufReader, type ProtobufField, type ProtobufReader } from './protobuf.ts';

/** A file with weights that the ONNX file points to. */
interface WeightFile {
  /** As the ONNX file names it: relative to its folder. */
  readonly name: string;
  /** Null where it isn't there. */
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
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
const MODEL = { irVersion: 1, producerName: 2, producerVersion: 3, graph: 7, opsetImport: 8 };
const OPSET = { domain: 1, version: 2 };
const GRAPH_INITIALIZER = 5;
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY = { key: 1, value: 2 };

/**
 * Reads the head of an ONNX file, and hashes it and the weights beside it.
 * @param path of a file that ONNX Runtime has loaded
 * @throws the signal's reason once it is aborted
 */
export async function readModelFile(path: string, signal: AbortSignal): Promise<ModelFile> {
  const { weightNames, ...head } = readHead(path);
  const weightFiles: WeightFile[] = [];
  for (const name of weightNames) weightFiles.push(await readWeightFile(dirname(path), name, signal));
  const { size: sizeBytes } = await stat(path);
  return { path, sizeBytes, sha256: await hashFile(path, signal), ...head, weightFiles };
}

interface Head extends Pick<ModelFile, 'producer' | 'irVersion' | 'opsets'> {
  readonly weightNames: readonly string[];
}

function readHead(path: string): Head {
  const descriptor = openSync(path, 'r');
  try {
    return parseHead(createProtobufReader(descriptor), fstatSync(descriptor).size);
  } catch (error) {
    // ONNX Runtime judges the file; what it takes and this doesn't follow has no head to show.
    if (!(error instanceof RangeError)) throw error;
    return { producer: null, irVersion: null, opsets: [], weightNames: [] };
  } finally {
    closeSync(descriptor);
  }
}

function parseHead(reader: ProtobufReader, sizeBytes: number): Head {
  let irVersion: number | null = null;
  const producer: [string, string] = ['', ''];
  const opsets: { domain: string; version: number }[] = [];
  const weightNames = new Set<string>();
  for (const field of reader.fields(0, sizeBytes)) {
    if (field.number === MODEL.irVersion && 'value' in field) irVersion = field.value;
    if (field.number === MODEL.producerName) producer[0] = reader.text(field);
    if (field.number === MODEL.producerVersion) producer[1] = reader.text(field);
    if (field.number === MODEL.opsetImport) opsets.push(parseOpset(reader, field));
    if (field.number === MODEL.graph) collectWeightNames(reader, field, weightNames);
  }
  return { producer: producer.join(' ').trim() || null, irVersion, opsets, weightNames: [...weightNames] };
}

function parseOpset(reader: ProtobufReader, field: ProtobufField): { domain: string; version: number } {
  const opset = { domain: 'ai.onnx', version: 0 };
  for (const part of within(reader, field)) {
    if (part.number === OPSET.domain) opset.domain = reader.text(part) || opset.domain;
    if (part.number === OPSET.version && 'value' in part) opset.version = part.value;
  }
  return opset;
}

function collectWeightNames(reader: ProtobufReader, graph: ProtobufField, names: Set<string>): void {
  for (const tensor of within(reader, graph)) {
    if (tensor.number !== GRAPH_INITIALIZER) continue;
    for (const entry of within(reader, tensor)) {
      if (entry.number !== TENSOR_EXTERNAL_DATA) continue;
      const texts = new Map([...within(reader, entry)].map((part) => [part.number, reader.text(part)]));
      if (texts.get(ENTRY.key) === 'location') names.add(texts.get(ENTRY.value) ?? '');
    }
  }
}

function within(reader: ProtobufReader, field: ProtobufField): Iterable<ProtobufField> {
  return 'start' in field ? reader.fields(field.start, field.end) : [];
}

async function readWeightFile(folder: string, name: string, signal: AbortSignal): Promise<WeightFile> {
  const path = resolve(folder, name);
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) return { name, sizeBytes: null, sha256: null };
  return { name, sizeBytes: stats.size, sha256: await hashFile(path, signal) };
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk);
  return hash.digest('hex');
}
