import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listExternalFiles } from '../../../src/inference/files/onnx-file.ts';
import { weightsAt } from '../models.ts';

const folder = mkdtempSync(join(tmpdir(), 'onnx-file-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function list(bytes: Uint8Array): Promise<string[]> {
  const path = join(folder, 'model.onnx');
  writeFileSync(path, bytes);
  const file = await open(path);
  try {
    return await listExternalFiles(file);
  } finally {
    await file.close();
  }
}

/** A field of a protobuf message with bytes in it. */
function field(number: number, bytes: Uint8Array): Buffer {
  const length = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...length]), bytes]);
}

function varint(value: number): number[] {
  return value > 0x7f ? [(value & 0x7f) | 0x80, value >> 7] : [value];
}

describe('the files that hold the weights of an ONNX file', () => {
  it('a model with its weights inside has no external files', async () => {
    expect(await list(weightsAt())).toEqual([]);
  });

  it('a file with weights of several tensors is named once', async () => {
    expect(await list(weightsAt('model.data', 'more/weights.bin', 'model.data'))).toEqual([
      'model.data',
      'more/weights.bin',
    ]);
  });

  it('weights are found in the branches of a graph and in functions', async () => {
    const entry = Buffer.concat([field(1, Buffer.from('location')), field(2, Buffer.from('branch.bin'))]);
    const tensor = field(13, entry);
    const branch = field(6, field(5, tensor));
    const node = field(5, branch);
    const constant = field(5, field(5, tensor));
    expect(await list(field(7, field(1, node)))).toEqual(['branch.bin']);
    expect(await list(field(25, field(7, constant)))).toEqual(['branch.bin']);
  });

  it('paths of weights are normalised, also those that lead out of the folder', async () => {
    expect(await list(weightsAt('../secret', '/etc/passwd', 'a/../../b', 'a/../kept'))).toEqual([
      '../secret',
      '/etc/passwd',
      '../b',
      'kept',
    ]);
  });

  it('a damaged file is read up to the damage, wherever that is', async () => {
    const whole = weightsAt('model.data');
    for (const length of [0, 1, 100, 70_000, whole.length - 100, whole.length - 1]) {
      expect(await list(whole.subarray(0, length))).toBeInstanceOf(Array);
    }
    for (let seed = 1; seed < 50; seed += 1) {
      const noise = Buffer.from(
        Array.from({ length: 500 }, (_, index) => (index * 7919 * seed + seed) % 256),
      );
      expect(await list(noise)).toBeInstanceOf(Array);
    }
  });

  it('a file of many small fields does not block the event loop', async () => {
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 1);
    // Two million numbers in field 1.
    expect(await list(Buffer.alloc(4_000_000, Buffer.from([8, 1])))).toEqual([]);
    clearInterval(counting);
    expect(turns).toBeGreaterThan(20);
  });

  it('graphs are followed as deep as real models go, and no deeper', async () => {
    const text = (number: number, value: string) => field(number, Buffer.from(value));
    const entry = Buffer.concat([text(1, 'location'), text(2, 'deep.data')]);
    const nested = (depth: number) => {
      let graph: Uint8Array = field(5, field(13, entry));
      for (; depth > 0; depth -= 1) graph = field(1, field(5, field(6, graph)));
      return field(7, graph);
    };
    expect(await list(nested(20))).toEqual(['deep.data']);
    expect(await list(nested(1_000))).toEqual([]);
  });
});
