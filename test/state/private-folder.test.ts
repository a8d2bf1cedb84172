import { chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePrivateFolder } from '../../src/state/private-folder.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;
const isRoot = process.geteuid?.() === 0;

describe('a private folder', () => {
  it('a private folder is made with its parents, for this user alone', async () => {
    const path = join(temporaryFolderPath(), 'a', 'b');
    await makePrivateFolder(path);
    expect([modeOf(path), modeOf(join(path, '..'))]).toEqual([0o700, 0o700]);
  });

  it('a folder that was open to others is closed to them', async () => {
    const path = join(temporaryFolderPath(), 'a');
    mkdirSync(path, { mode: 0o755 });
    await makePrivateFolder(path);
    expect(modeOf(path)).toBe(0o700);
  });

  it('a link or a file is no private folder', async () => {
    const folder = temporaryFolderPath();
    symlinkSync(folder, join(folder, 'link'));
    writeFileSync(join(folder, 'file'), '');
    for (const name of ['link', 'file']) {
      await expect(makePrivateFolder(join(folder, name))).rejects.toMatchObject({
        code: 'STATE_DIR_UNUSABLE',
      });
    }
  });

  it.skipIf(!isRoot)('a folder of another user is refused (needs root)', async () => {
    const path = join(temporaryFolderPath(), 'a');
    mkdirSync(path);
    chownSync(path, 65_534, 65_534);
    await expect(makePrivateFolder(path)).rejects.toMatchObject({
      code: 'STATE_DIR_UNUSABLE',
      message: expect.stringContaining('belongs to the user with the id 65534'),
    });
  });

  it('the error names why a private folder cannot be made', async () => {
    await expect(makePrivateFolder('/dev/null/sn34')).rejects.toMatchObject({
      code: 'STATE_DIR_UNUSABLE',
      message: expect.stringContaining('/dev/null/sn34 cannot be written (ENOTDIR)'),
    });
  });
});
