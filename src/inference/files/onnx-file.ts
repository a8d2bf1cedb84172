import type { FileHandle } from 'node:fs/promises';
import { normalize } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/**
 * Reads what an ONNX file says of itself: its producer, its operator sets, and the files that hold its weights. Weights inside
 * the file are skipped unread, so a large file costs no more than a small one.
 */

/** What the head of an ONNX file says; null and empty if it says nothing. */
export interface OnnxHead {
  /** Name and version of the program that wrote the file. */
  readonly producer: string | null;
  readonly irVersion: number | null;
  /** Versions of the operator sets; `ai.onnx` is the standard one. */
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
}

/**
 * By message of onnx.proto, the field numbers to follow. A name that is a key is a message to be entered; any other name is a
 * leaf, which the caller gets.
 */
type Fields = Readonly<Record<string, Readonly<Record<number, string>>>>;

const HEAD: Fields = { model: { 1: 'irVersion', 2: 'producerName', 3: 'producerVersion', 8: 'opset' } };
const EXTERNAL_DATA: Fields = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparseTensor' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparseTensor', 23: 'sparseTensor' },
  sparseTensor: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
};

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** A tag and a length. */
const HEADER_BYTES = 20;
/** Read at a time. Of a longer leaf, the caller gets this much. */
const WINDOW_BYTES = 64 * 1024;
const ENTRY_LIMIT_BYTES = 8192;
/** Fields read at a time. They block the event loop for some milliseconds. */
const FIELDS_PER_TURN = 10_000;
/** Graphs inside of graphs, as branches and loops have. */
const DEPTH_LIMIT = 200;

/**
 * Reads the head of an ONNX file.
 * @returns null and empty fields for a file that is damaged or no ONNX
 * @throws what reading the file throws
 */
export async function readOnnxHead(onnx: FileHandle): Promise<OnnxHead> {
  const numbers: Record<string, number> = {};
  const texts: Record<string, string> = {};
  const opsets: { domain: string; version: number }[] = [];
  const whole = await readFields(onnx, HEAD, (name, content) => {
    if (typeof content === 'number') numbers[name] = content;
    else if (name === 'opset') opsets.push(readOpset(content));
    else texts[name] = content.toString();
  });
  if (!whole) return { producer: null, irVersion: null, opsets: [] };
  const producer = `${texts.producerName ?? ''} ${texts.producerVersion ?? ''}`.trim();
  return { producer: producer || null, irVersion: numbers.irVersion ?? null, opsets };
}

/**
 * The files that hold weights of an ONNX file, as it names them: relative to its folder, unless it means harm.
 * @returns those that stand before the first damage, for a file that is damaged or no ONNX
 * @throws what reading the file throws
 */
export async function listExternalFiles(onnx: FileHandle): Promise<string[]> {
  const locations = new Set<string>();
  await readFields(onnx, EXTERNAL_DATA, (_, entry) => {
    if (typeof entry === 'number' || entry.length > ENTRY_LIMIT_BYTES) return;
    const { 1: key, 2: value } = readSmallMessage(entry);
    if (key === 'location' && typeof value === 'string' && value !== '') locations.add(normalize(value));
  });
  return [...locations];
}

function readOpset(bytes: Buffer): { readonly domain: string; readonly version: number } {
  const { 1: domain, 2: version } = readSmallMessage(bytes);
  return { domain: String(domain || 'ai.onnx'), version: Number(version ?? 0) };
}

/**
 * Follows the fields of an ONNX file.
 * @param onLeaf gets the name of each leaf, and its number or the first 64 KiB of its bytes
 * @returns false if the file is damaged; then the leaves before the damage were given
 */
async function readFields(
  file: FileHandle,
  wanted: Fields,
  onLeaf: (name: string, content: number | Buffer) => void,
): Promise<boolean> {
  const { size: fileBytes } = await file.stat();
  const open = [{ fields: wanted.model, end: fileBytes }];
  const window = Buffer.alloc(WINDOW_BYTES);
  let windowStart = 0;
  let windowEnd = 0;
  let position = 0;

  const loadAhead = async (bytes: number): Promise<void> => {
    if (position >= windowStart && position + bytes <= windowEnd) return;
    const { bytesRead } = await file.read(window, 0, WINDOW_BYTES, position);
    windowStart = position;
    windowEnd = position + bytesRead;
  };
  const ahead = (): Buffer => window.subarray(position - windowStart, windowEnd - windowStart);

  for (let count = 1; position < fileBytes; count += 1) {
    if (count % FIELDS_PER_TURN === 0) await turn();
    await loadAhead(Math.min(HEADER_BYTES, fileBytes - position));
    let top = open.at(-1);
    while (top !== undefined && top.end <= position) {
      open.pop();
      top = open.at(-1);
    }
    const tag = readVarint(ahead(), 0);
    // No message has a field 0, but a file has zeros if space was reserved before its content was written.
    if (top === undefined || tag === undefined || tag.value < 8) return false;
    position += tag.bytes;
    const name = top.fields?.[Math.floor(tag.value / 8)];
    const wireType = tag.value % 8;
    if (wireType === FIXED64) position += 8;
    else if (wireType === FIXED32) position += 4;
    else if (wireType === VARINT || wireType === BYTES) {
      const number = readVarint(ahead(), 0);
      if (number === undefined) return false;
      position += number.bytes;
      if (wireType === VARINT) {
        if (name !== undefined) onLeaf(name, number.value);
        continue;
      }
      const end = position + number.value;
      if (end > top.end || open.length > DEPTH_LIMIT) return false;
      const fields = wanted[name ?? ''];
      if (fields !== undefined) {
        open.push({ fields, end });
        continue;
      }
      if (name !== undefined) {
        const length = Math.min(number.value, WINDOW_BYTES);
        await loadAhead(length);
        onLeaf(name, Buffer.from(ahead().subarray(0, length)));
      }
      position = end;
    } else return false;
  }
  return true;
}

/** The fields of a message that lies in memory, up to the first damage. */
function readSmallMessage(bytes: Buffer): Readonly<Record<number, number | string>> {
  const fields: Record<number, number | string> = {};
  for (let position = 0; position < bytes.length; ) {
    const tag = readVarint(bytes, position);
    const number = tag === undefined ? undefined : readVarint(bytes, position + tag.bytes);
    if (tag === undefined || number === undefined) break;
    position += tag.bytes + number.bytes;
    const [field, wireType] = [Math.floor(tag.value / 8), tag.value % 8];
    if (wireType === VARINT) fields[field] = number.value;
    else if (wireType === BYTES) {
      fields[field] = bytes.toString('utf8', position, position + number.value);
      position += number.value;
    } else break;
  }
  return fields;
}

/** @returns undefined if there is no whole varint */
function readVarint(
  bytes: Buffer,
  start: number,
): { readonly value: number; readonly bytes: number } | undefined {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) return undefined;
    value += (byte % 128) * 128 ** index;
    if (byte < 128) return { value, bytes: index + 1 };
  }
  return undefined;
}
