import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createPixelTransfer,
  readPayload,
  writeResult,
} from '../../../src/inference/worker/pixel-transfer.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../../../src/state/temporary-file.ts';

const FEW = Buffer.from([1, 2, 3]);
const MANY = Buffer.alloc(256 * 1024 + 1, 7);

describe('pixels on their way', () => {
  let root: string;
  let temporary: TemporaryFolder;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'pixel-transfer-test-'));
    temporary = await createTemporaryFolder({ memoryFolder: join(root, 'absent'), diskFolder: root });
  });
  afterEach(async () => {
    await temporary.close();
    rmSync(root, { recursive: true });
  });

  const files = () => readdirSync(root).flatMap((folder) => readdirSync(join(root, folder)));

  it('a few pixels travel in the message', async () => {
    const transfer = await createPixelTransfer(temporary, FEW, FEW.length);
    expect(transfer.pixels).toHaveProperty('inline');
    expect(readPayload(transfer.pixels)).toEqual(FEW);
    expect(await transfer.receive(writeResult(FEW, transfer.resultFile))).toEqual(FEW);
    expect(files()).toEqual([]);
    await transfer.close();
  });

  it('many pixels travel in files, which are removed afterwards', async () => {
    const transfer = await createPixelTransfer(temporary, MANY, MANY.length);
    expect(readPayload(transfer.pixels).equals(MANY)).toBe(true);
    expect((await transfer.receive(writeResult(MANY, transfer.resultFile))).equals(MANY)).toBe(true);
    expect(files()).toHaveLength(2);
    await transfer.close();
    expect(files()).toEqual([]);
  });

  it('pixels are refused if the disk is full, and no file stays', async () => {
    const refused = createPixelTransfer(temporary, MANY, Number.MAX_SAFE_INTEGER);
    await expect(refused).rejects.toMatchObject({ code: 'MEDIA_NO_SPACE' });
    expect(files()).toEqual([]);
  });
});
