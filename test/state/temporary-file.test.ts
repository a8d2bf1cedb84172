import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readdir, readFile, rm, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createTemporaryFolder, type TemporaryFolder } from '../../src/state/temporary-file.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

let root: string;
let memoryFolder: string;
let diskFolder: string;

beforeEach(async () => {
  root = temporaryFolderPath();
  memoryFolder = temporaryFolderPath('/dev/shm');
  diskFolder = join(root, 'disk');
  await mkdir(diskFolder);
});

async function open(options: { memoryFolder?: string; mostBytes?: number } = {}): Promise<TemporaryFolder> {
  const folder = await createTemporaryFolder({ memoryFolder, diskFolder, ...options });
  onTestFinished(folder.close);
  return folder;
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

const isIn = (path: string, folder: string) => dirname(dirname(path)) === folder;

describe('temporary files', () => {
  it('a temporary file holds what was appended, and is private to this user', async () => {
    const file = await (await open()).create(11);
    await file.append(Buffer.from('hello '));
    await file.append(Buffer.from('world'));
    expect(await readFile(file.path, 'utf8')).toBe('hello world');
    expect([await modeOf(file.path), await modeOf(dirname(file.path))]).toEqual(['600', '700']);
  });

  it('temporary files are in memory if there is room, each under its own name', async () => {
    const folder = await open();
    const files = await Promise.all([folder.create(1), folder.create(1), folder.create(1)]);
    expect(new Set(files.map(({ path }) => path)).size).toBe(3);
    expect(files.every(({ path }) => isIn(path, memoryFolder))).toBe(true);
  });

  it('temporary files are on disk if there is no memory folder', async () => {
    const folder = await open({ memoryFolder: join(root, 'absent') });
    expect(isIn((await folder.create(1)).path, diskFolder)).toBe(true);
  });

  it('a temporary file can be removed during a write, and twice', async () => {
    const file = await (await open()).create(8_000_000);
    const writing = file.append(Buffer.alloc(8_000_000)).catch(() => undefined);
    await Promise.all([file.remove(), file.remove(), writing]);
    await file.remove();
    expect(await readdir(dirname(file.path))).toEqual([]);
  });

  it('closing the folder removes all temporary files', async () => {
    const folder = await open();
    const file = await folder.create(4);
    await file.append(Buffer.from('left'));
    await folder.close();
    await expect(file.append(Buffer.from('closed'))).rejects.toMatchObject({ code: 'EBADF' });
    expect([...(await readdir(memoryFolder)), ...(await readdir(diskFolder))]).toEqual([]);
    await expect(folder.create(1)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('a temporary file without room is refused, and reserves nothing', async () => {
    const folder = await open();
    await expect(folder.create(2 ** 60)).rejects.toMatchObject({ code: 'MEDIA_NO_SPACE' });
    expect(isIn((await folder.create(1)).path, memoryFolder)).toBe(true);
  });

  it('no more room is reserved than all files together can hold', async () => {
    const { bavail, bsize } = await statfs(diskFolder);
    const announced = Math.floor(0.6 * bavail * bsize);
    const folder = await open({ mostBytes: 1_000_000 });
    for (let index = 0; index < 4; index++) await folder.create(announced);
    await folder.create(100);
    await expect(folder.create(1000 * bavail * bsize)).rejects.toMatchObject({ code: 'MEDIA_NO_SPACE' });
  });

  it('reserved room counts until it is written or given up', async () => {
    const folder = await open({ memoryFolder: join(root, 'absent') });
    const half = 0.6 * (await freeBytes(folder));
    const first = await folder.create(half);
    await expect(folder.create(half)).rejects.toMatchObject({ code: 'MEDIA_NO_SPACE' });
    await first.remove();
    await expect(folder.create(half)).resolves.toBeDefined();
  });

  it('a temporary file gets a new folder if the host has deleted the old one', async () => {
    const folder = await open();
    const first = await folder.create(1);
    await rm(dirname(first.path), { recursive: true });
    const second = await folder.create(1);
    await second.append(Buffer.from('x'));
    expect(await readFile(second.path, 'utf8')).toBe('x');
    expect(dirname(second.path)).not.toBe(dirname(first.path));
  });
});

/** The largest file that would be accepted now, to within a MiB. */
async function freeBytes(folder: TemporaryFolder): Promise<number> {
  let least = 0;
  let most = 2 ** 50;
  while (most - least > 2 ** 20) {
    const middle = (least + most) / 2;
    const fits = await folder.create(middle).then(
      (file) => file.remove().then(() => true),
      () => false,
    );
    if (fits) least = middle;
    else most = middle;
  }
  return least;
}

describe('files of other processes', () => {
  it('files of another process stay while it lives, and are removed afterwards', async () => {
    const living = await open();
    const kept = await living.create(1);
    const ended = spawn(process.execPath, ['-e', '0']);
    await once(ended, 'exit');
    const [own = ''] = await readdir(memoryFolder);
    const [, namespace] = /^sn34-miner-(\d+)-/.exec(own) ?? [];
    const stale = [
      `sn34-miner-${namespace}-${ended.pid}-12345-abcdef`,
      `sn34-miner-${namespace}-${process.pid}-1-abcdef`,
    ];
    const foreign = [`sn34-miner-1-${ended.pid}-12345-abcdef`, 'sn34-miner-notes', 'something-else'];
    for (const name of [...stale, ...foreign]) await mkdir(join(memoryFolder, name));

    await open();
    const names = await readdir(memoryFolder);
    expect(names).toEqual(expect.arrayContaining(foreign));
    expect(names.filter((name) => stale.includes(name))).toEqual([]);
    expect((await stat(kept.path)).isFile()).toBe(true);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'are left alone when they belong to another user (needs root)',
    async () => {
      await open();
      const [own = ''] = await readdir(memoryFolder);
      const [, namespace] = /^sn34-miner-(\d+)-/.exec(own) ?? [];
      const names = ['abcdef', 'ghijkl'].map((end) => `sn34-miner-${namespace}-${process.pid}-1-${end}`);
      const [foreign = '', stale = ''] = names;
      for (const name of names) {
        await mkdir(join(memoryFolder, name));
        await writeFile(join(memoryFolder, name, '1'), 'left');
      }
      await chown(join(memoryFolder, foreign), 65_534, 65_534);
      await open();
      expect(await readFile(join(memoryFolder, foreign, '1'), 'utf8')).toBe('left');
      expect(await readdir(memoryFolder)).not.toContain(stale);
    },
  );

  it('a link in place of a stale folder is not followed', async () => {
    await open();
    const [own = ''] = await readdir(memoryFolder);
    const [, namespace] = /^sn34-miner-(\d+)-/.exec(own) ?? [];
    const target = join(root, 'target');
    await mkdir(target);
    await writeFile(join(target, '1'), 'kept');
    const link = `sn34-miner-${namespace}-${process.pid}-1-abcdef`;
    await symlink(target, join(memoryFolder, link));
    await open();
    expect(await readFile(join(target, '1'), 'utf8')).toBe('kept');
    expect(await readdir(memoryFolder)).toContain(link);
  });
});
