import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPixelTransfer, readPayload, writePayload } from '../../src/inference/pixel-transfer.ts';

const LARGE = Buffer.alloc(256 * 1024 + 1, 7);

describe('pixels on their way', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'pixel-transfer-test-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('travel in the message when they are few', async () => {
    const transfer = await createPixelTransfer([root]);
    const few = Buffer.from([1, 2, 3]);
    const payload = await transfer.send('few', few);
    expect(payload).toHaveProperty('inline');
    expect(readPayload(payload)).toEqual(few);
    expect(await transfer.receive(writePayload(transfer.folders, 'back', few))).toEqual(few);
    await transfer.close();
  });

  it('travel in a private file when they are many, and leave nothing', async () => {
    const transfer = await createPixelTransfer([root]);
    const payload = await transfer.send('many', LARGE);
    const back = writePayload(transfer.folders, 'back', LARGE);
    const [folder = ''] = transfer.folders;
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'many')).mode & 0o777).toBe(0o600);
    expect(readPayload(payload).equals(LARGE)).toBe(true);
    expect((await transfer.receive(back)).equals(LARGE)).toBe(true);
    await transfer.discard('many');
    expect(readdirSync(folder)).toEqual(['back']);
    await transfer.close();
    expect(readdirSync(root)).toEqual([]);
  });

  it('take the second folder when the first has no room', async () => {
    const [first, second] = [join(root, 'first'), join(root, 'second')];
    mkdirSync(first);
    mkdirSync(second);
    const transfer = await createPixelTransfer([first, second]);
    rmSync(first, { recursive: true });
    expect(await transfer.send('many', LARGE)).toEqual({ file: expect.stringContaining('/second/') });
    expect(writePayload(transfer.folders, 'back', LARGE)).toEqual({
      file: expect.stringContaining('/second/'),
    });
    rmSync(second, { recursive: true });
    await expect(transfer.send('many', LARGE)).rejects.toMatchObject({ code: 'MEDIA_NO_SPACE' });
    expect(() => writePayload(transfer.folders, 'back', LARGE)).toThrow(
      expect.objectContaining({ code: 'MEDIA_NO_SPACE' }),
    );
  });

  it('are removed with the folder of a process that is no more, and of no other', async () => {
    const mine = await createPixelTransfer([root]);
    const [folder = ''] = mine.folders;
    // Above the largest process id that Linux gives.
    const dead = folder.replace(`-${process.pid}-`, '-4194305-');
    mkdirSync(dead);
    mkdirSync(join(root, 'unrelated'));
    const next = await createPixelTransfer([root]);
    expect([dead, folder, join(root, 'unrelated')].map((path) => existsSync(path))).toEqual([
      false,
      true,
      true,
    ]);
    await Promise.all([mine.close(), next.close()]);
  });
});
