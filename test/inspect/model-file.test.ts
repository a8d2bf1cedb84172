import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../src/inspect/model-file.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { meanHead, weightsAt, writeModel } from '../inference/models.ts';

const signal = new AbortController().signal;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const onnx = () => meanHead({ weights: [1, 0, 0, 0, 1, 0, 0, 0, 1], outputs: 3 });

describe('the head of an ONNX file', () => {
  it('the head of an ONNX file says what wrote it and for which operators', async () => {
    const folder = writeModel(temporaryFolderPath(), 'm', onnx());
    const path = join(folder, 'model.onnx');
    const bytes = readFileSync(path);
    expect(await readModelFile(folder, signal)).toEqual({
      path,
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
      producer: 'sn34-miner',
      irVersion: 8,
      opsets: [{ domain: 'ai.onnx', version: 17 }],
      weightFiles: [],
    });
  });

  it('the head is empty if the file is no ONNX', async () => {
    const folder = writeModel(temporaryFolderPath(), 'm', Buffer.from('<html>not found</html>'));
    expect(await readModelFile(folder, signal)).toMatchObject({
      producer: null,
      irVersion: null,
      opsets: [],
    });
  });

  it('a name in the head is read up to 64 KiB, whatever length a hostile file claims', async () => {
    // Field 2, the producer: its length says 200,000 bytes, and they are there.
    const name = Buffer.alloc(200_000, 'x');
    const bytes = Buffer.concat([Buffer.from([0x12, 0xc0, 0x9a, 0x0c]), name]);
    const folder = writeModel(temporaryFolderPath(), 'm', bytes);
    expect((await readModelFile(folder, signal)).producer).toHaveLength(64 * 1024);
    writeFileSync(join(folder, 'model.onnx'), bytes.subarray(0, 1000));
    expect((await readModelFile(folder, signal)).producer).toBe(null);
  });
});

describe('weights outside of the ONNX file', () => {
  it('external weights are named with their size and hash', async () => {
    const folder = writeModel(temporaryFolderPath(), 'm', weightsAt('weights.bin'));
    const weights = Buffer.alloc(100_000, 7);
    writeFileSync(join(folder, 'weights.bin'), weights);
    expect((await readModelFile(folder, signal)).weightFiles).toEqual([
      { name: 'weights.bin', sizeBytes: 100_000, sha256: sha256(weights) },
    ]);
  });

  it('missing external weights are named', async () => {
    const folder = writeModel(temporaryFolderPath(), 'm', weightsAt('weights.bin'));
    await expect(readModelFile(folder, signal)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining(`there is no ${join(folder, 'weights.bin')}`),
    });
  });
});
