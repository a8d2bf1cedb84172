import type { FileHandle } from 'node:fs/promises';
import { normalize } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

/** The messages of onnx.proto on the way to external data. */
type Message = 'model' | 'graph' | 'function' | 'node' | 'attribute' | 'tensor' | 'sparseTensor' | 'entry';

/** Field numbers of onnx.proto that lead there; all others are skipped unread. */
const FIELDS: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparseTensor' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: {
    5: 'tensor',
    6: 'graph',
    10: 'tensor',
    11: 'graph',
    22: 'sparseTensor',
    23: 'sparseTensor',
  },
  sparseTensor: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  entry: {},
};

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** A tag and a length. */
const HEADER_BYTES = 20;
const ENTRY_LIMIT_BYTES = 8192;
const WINDOW_BYTES = 64 * 1024;
/** Fields read at a time: some milliseconds in which nothing else is done. */
const FIELDS_PER_TURN = 10_000;
/** Graphs inside of graphs, as branches and loops have. */
const DEPTH_LIMIT = 200;

/**
 * The files beside an `.onnx` file that hold weights of it, as the file names them: relative to its folder, unless it means
 * harm. Weights within the file are skipped over, not read, so that a large file costs no more than a small one.
 * @returns what was found up to the first damage, for a file that is no ONNX
 * @throws what reading the file throws
 */
export async function listExternalFiles(onnx: FileHandle): Promise<string[]> {
  const locations = await collectLocations(onnx, (await onnx.stat()).size);
  return [...locations].filter((location) => location !== '').map(normalize);
}

async function collectLocations(file: FileHandle, fileBytes: number): Promise<Set<string>> {
  const locations = new Set<string>();
  const open: Array<{ readonly message: Message; readonly end: number }> = [
    { message: 'model', end: fileBytes },
  ];
  const window = Buffer.alloc(WINDOW_BYTES);
  let windowStart = 0;
  let windowEnd = 0;
  let position = 0;
  let fields = 0;

  const load = async (): Promise<void> => {
    const { bytesRead } = await file.read(window, 0, WINDOW_BYTES, position);
    windowStart = position;
    windowEnd = position + bytesRead;
  };
  const ahead = (): Buffer => window.subarray(position - windowStart, windowEnd - windowStart);
  const has = (bytes: number): boolean => position >= windowStart && position + bytes <= windowEnd;

  while (position < fileBytes) {
    fields += 1;
    if (fields % FIELDS_PER_TURN === 0) await turn();
    if (!has(Math.min(HEADER_BYTES, fileBytes - position))) await load();
    let top = open.at(-1);
    while (top !== undefined && top.end <= position) {
      open.pop();
      top = open.at(-1);
    }
    const tag = readVarint(ahead(), 0);
    if (top === undefined || tag === undefined) break;
    position += tag.bytes;
    const wireType = tag.value % 8;
    const message = FIELDS[top.message][Math.floor(tag.value / 8)];
    // No message has a field 0, but a file has zeros where room was made for it before its content.
    if (tag.value < 8) break;
    if (wireType === FIXED64) position += 8;
    else if (wireType === FIXED32) position += 4;
    else if (wireType === VARINT || wireType === BYTES) {
      const number = readVarint(ahead(), 0);
      if (number === undefined) break;
      position += number.bytes;
      if (wireType === VARINT) continue;
      const end = position + number.value;
      if (end > top.end || open.length > DEPTH_LIMIT) break;
      if (message === 'entry' && number.value <= ENTRY_LIMIT_BYTES) {
        if (!has(number.value)) await load();
        const { key, value } = readEntry(ahead().subarray(0, number.value));
        if (key === 'location') locations.add(value);
      }
      if (message === undefined || message === 'entry') position = end;
      else open.push({ message, end });
    } else break;
  }
  return locations;
}

/** A StringStringEntryProto. */
function readEntry(bytes: Buffer): { readonly key: string; readonly value: string } {
  const texts: Record<number, string> = {};
  let position = 0;
  while (position < bytes.length) {
    const tag = readVarint(bytes, position);
    const length = tag === undefined ? undefined : readVarint(bytes, position + tag.bytes);
    if (tag === undefined || length === undefined || tag.value % 8 !== BYTES) break;
    const start = position + tag.bytes + length.bytes;
    position = start + length.value;
    texts[Math.floor(tag.value / 8)] = bytes.toString('utf8', start, position);
  }
  return { key: texts[1] ?? '', value: texts[2] ?? '' };
}

/** @returns undefined where there is no whole varint */
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
