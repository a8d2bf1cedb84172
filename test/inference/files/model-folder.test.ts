import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locateModel } from '../../../src/inference/files/locate-model.ts';
import { isPartOfModel, openModelFile } from '../../../src/inference/files/model-folder.ts';
import { createModelWatcher } from '../../../src/inference/files/watcher.ts';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { temporaryFolderPath } from '../../fixtures/temporary.ts';
import { weightsAt } from '../models.ts';

const SECRET = 'the hotkey';
const { logger } = createCapturingLogger();
const never = new AbortController().signal;

/** A program that puts a file and a link to argument 2 in the place of argument 1 by turns. */
const SWAP_FOR_EVER = `
  const { renameSync, symlinkSync, writeFileSync } = require('node:fs');
  const [path, secret] = process.argv.slice(1);
  for (let round = 0; ; round += 1) {
    writeFileSync(path + '.file', 'weights');
    symlinkSync(secret, path + '.link');
    renameSync(path + '.file', path);
    renameSync(path + '.link', path);
    if (round === 0) console.log('swapping');
  }
`;

/** A folder with a model, and beside it a secret and an empty folder for copies. */
function place(location = 'model.data') {
  const root = temporaryFolderPath();
  const folder = join(root, 'model');
  const copiesFolder = join(root, 'copies');
  for (const path of [folder, copiesFolder]) mkdirSync(path);
  const secret = join(root, 'hotkey');
  writeFileSync(secret, SECRET);
  writeFileSync(join(folder, 'model.onnx'), weightsAt(location));
  const watcher = createModelWatcher({ modelPath: folder, copiesFolder, pauseMs: 10, logger });
  const copied = () =>
    readdirSync(copiesFolder, { encoding: 'utf8', recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  return { root, folder, secret, watcher, copied };
}

const REFUSAL = {
  code: 'MODEL_UNREADABLE',
  message: expect.stringContaining('outside its folder'),
};

describe('the snapshot of a model', () => {
  it.each([
    ['weights', 'model.data'],
    ['weights in a folder', 'deep/model.data'],
    ['model.json', 'model.json'],
  ])('a model is refused if its %s are a link out of the folder', async (_, name) => {
    const { folder, secret, watcher, copied } = place(name === 'model.json' ? undefined : name);
    writeFileSync(join(folder, 'model.data'), 'weights');
    mkdirSync(join(folder, 'deep'));
    rmSync(join(folder, name), { force: true });
    symlinkSync(secret, join(folder, name));
    await expect(watcher.take(never)).rejects.toMatchObject(REFUSAL);
    expect(copied().join()).not.toContain(SECRET);
  });

  it('a model is refused if its ONNX file is a link out of the folder', async () => {
    const { folder, secret, watcher } = place();
    rmSync(join(folder, 'model.onnx'));
    symlinkSync(secret, join(folder, 'model.onnx'));
    expect(() => locateModel(folder)).toThrow(expect.objectContaining(REFUSAL));
    await expect(watcher.take(never)).rejects.toMatchObject(REFUSAL);
  });

  it('a model is refused if a folder on the way to its weights is a link out', async () => {
    const { root, folder, watcher } = place('deep/hotkey');
    symlinkSync(root, join(folder, 'deep'));
    await expect(watcher.take(never)).rejects.toMatchObject(REFUSAL);
  });

  it.each(['../hotkey', 'a/../../hotkey', '/etc/hostname', '.ssh/id_ed25519', 'a/.hidden/key'])(
    'a model is refused if it keeps weights in %s',
    async (location) => {
      const { folder, watcher } = place(location);
      mkdirSync(join(folder, '.ssh'));
      writeFileSync(join(folder, '.ssh/id_ed25519'), SECRET);
      await expect(watcher.take(never)).rejects.toMatchObject(REFUSAL);
    },
  );

  it('weights may be a link within the folder, and the folder may be a link', async () => {
    const { root, folder, watcher } = place();
    writeFileSync(join(folder, 'v2.data'), 'weights');
    symlinkSync('v2.data', join(folder, 'model.data'));
    const copy = await watcher.take(never);
    expect(readFileSync(join(copy.folder, 'model.data'), 'utf8')).toBe('weights');
    symlinkSync('model', join(root, 'current'));
    expect(locateModel(join(root, 'current'))).toBe(join(root, 'current', 'model.onnx'));
    await (await openModelFile(join(root, 'current'), 'model.data'))?.close();
  });

  it('a pipe in place of the weights does not block', async () => {
    const { folder, watcher } = place();
    execFileSync('mkfifo', [join(folder, 'model.data')]);
    await expect(watcher.take(never)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('the open file is checked, also while a link replaces the weights again and again', async () => {
    const { folder, secret } = place();
    const path = join(folder, 'model.data');
    writeFileSync(path, 'weights');
    const swapper = spawn(process.execPath, ['-e', SWAP_FOR_EVER, path, secret], { stdio: 'pipe' });
    try {
      await once(swapper.stdout, 'data');
      const seen = { weights: 0, refused: 0 };
      while (seen.weights < 150 || seen.refused < 150) {
        const file = await openModelFile(folder, 'model.data').catch(() => undefined);
        if (file === undefined) {
          seen.refused += 1;
          continue;
        }
        expect(await file.readFile('utf8')).toBe('weights');
        await file.close();
        seen.weights += 1;
      }
    } finally {
      swapper.kill('SIGKILL');
      await once(swapper, 'close');
    }
  });
});

describe('a model in a Hugging Face cache', () => {
  function placeSnapshot() {
    const root = temporaryFolderPath();
    const repository = join(root, 'hub/models--someone--detector');
    const snapshot = join(repository, 'snapshots/0123abcd');
    const link = (name: string, target: string): void => symlinkSync(target, join(snapshot, name));
    for (const path of [snapshot, join(repository, 'blobs')]) mkdirSync(path, { recursive: true });
    writeFileSync(join(repository, 'blobs/aa11'), weightsAt('model.data'));
    writeFileSync(join(repository, 'blobs/bb22'), 'weights');
    link('model.onnx', '../../blobs/aa11');
    const copiesFolder = join(root, 'copies');
    const watcher = createModelWatcher({ modelPath: snapshot, copiesFolder, pauseMs: 10, logger });
    return { root, repository, link, watcher };
  }

  it('a model in a Hugging Face cache is copied with the blobs that its links lead to', async () => {
    const { link, watcher } = placeSnapshot();
    link('model.data', '../../blobs/bb22');
    const copy = await watcher.take(never);
    expect(readFileSync(join(copy.folder, 'model.data'), 'utf8')).toBe('weights');
    expect(dirname(copy.onnxPath)).toBe(copy.folder);
  });

  it.each([
    ['the rest of its repository', 'refs/main'],
    ['another repository', '../models--other/blobs/cc33'],
    ['a blob that is a link itself', 'blobs/link'],
  ])('a model in a Hugging Face cache is refused if a link leads to %s', async (_, target) => {
    const { root, repository, link, watcher } = placeSnapshot();
    writeFileSync(join(root, 'hotkey'), SECRET);
    if (target === 'blobs/link') symlinkSync(join(root, 'hotkey'), join(repository, target));
    else {
      mkdirSync(dirname(join(repository, target)), { recursive: true });
      writeFileSync(join(repository, target), SECRET);
    }
    link('model.data', join(repository, target));
    await expect(watcher.take(never)).rejects.toMatchObject(REFUSAL);
  });

  it('a Hugging Face cache is recognised by the path of the folder', () => {
    expect(isPartOfModel('/m', '/m/models--a/blobs/x')).toBe(true);
    expect(isPartOfModel('/m', '/models--a/blobs/x')).toBe(false);
    expect(isPartOfModel('/h/models--a/snapshots/r', '/h/models--a/blobs/x')).toBe(true);
    expect(isPartOfModel('/h/models--a/snapshots/r/onnx', '/h/models--a/blobs/x')).toBe(true);
    expect(isPartOfModel('/h/models--a/snapshots/r', '/h/models--a/blobs/x/y')).toBe(false);
    expect(isPartOfModel('/h/models--a/snapshots/r', '/h/models--a/snapshots/other/x')).toBe(false);
  });
});
