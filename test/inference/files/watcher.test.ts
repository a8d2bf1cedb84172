import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openSnapshotsFolder } from '../../../src/inference/files/snapshot.ts';
import { createModelWatcher } from '../../../src/inference/files/watcher.ts';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { temporaryFolderPath } from '../../fixtures/temporary.ts';
import { until } from '../../fixtures/until.ts';

const LARGE_BYTES = 64 * 1024 * 1024;
const { logger } = createCapturingLogger();

function place(onnx: Uint8Array, json?: string) {
  const root = temporaryFolderPath();
  const modelPath = join(root, 'model');
  const copiesFolder = join(root, 'copies');
  mkdirSync(modelPath);
  mkdirSync(copiesFolder);
  writeFileSync(join(modelPath, 'model.onnx'), onnx);
  if (json !== undefined) writeFileSync(join(modelPath, 'model.json'), json);
  const watcher = createModelWatcher({ modelPath, copiesFolder, pauseMs: 10, logger });
  const isCopying = () =>
    readdirSync(copiesFolder, { encoding: 'utf8', recursive: true }).some((name) => name.endsWith('.onnx'));
  return { onnxPath: join(modelPath, 'model.onnx'), copiesFolder, watcher, isCopying };
}

const never = new AbortController().signal;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a snapshot', () => {
  it('a snapshot holds all files, can be read by this user only, and knows the hash of the ONNX file', async () => {
    const { watcher } = place(Buffer.from('onnx'), '{}');
    const copy = await watcher.take(never);
    expect(readFileSync(copy.onnxPath, 'utf8')).toBe('onnx');
    expect(readFileSync(join(copy.folder, 'model.json'), 'utf8')).toBe('{}');
    expect(copy).toMatchObject({ sha256: sha256(Buffer.from('onnx')), sizeBytes: 6 });
    expect(statSync(copy.folder).mode & 0o777).toBe(0o700);
    await copy.remove();
    expect(readdirSync(dirname(copy.folder))).toEqual([]);
  });

  it('snapshots of the same bytes have the same fingerprint, and of other bytes another one', async () => {
    const copies = await Promise.all(
      [place(Buffer.from('a'), '{}'), place(Buffer.from('a'), '{}'), place(Buffer.from('a'), '{ }')].map(
        ({ watcher }) => watcher.take(never),
      ),
    );
    const [first, same, other] = copies.map(({ fingerprint }) => fingerprint);
    expect(same).toBe(first);
    expect(other).not.toBe(first);
  });

  it('a snapshot is taken again if a file changes meanwhile', async () => {
    const { watcher, onnxPath, copiesFolder, isCopying } = place(Buffer.alloc(LARGE_BYTES));
    const taking = watcher.take(never);
    while (!isCopying()) await turn();
    appendFileSync(onnxPath, 'more');
    const copy = await taking;
    expect(copy.sha256).toBe(sha256(readFileSync(onnxPath)));
    expect(readdirSync(copiesFolder)).toHaveLength(1);
  });

  it('a snapshot that is aborted leaves no file', async () => {
    const { watcher, copiesFolder, isCopying } = place(Buffer.alloc(LARGE_BYTES));
    const enough = new AbortController();
    const taking = expect(watcher.take(enough.signal)).rejects.toThrow('enough');
    while (!isCopying()) await turn();
    enough.abort(new Error('enough'));
    await taking;
    expect(readdirSync(copiesFolder)).toEqual([]);
  });

  it('snapshots of ended processes are removed, and a missing folder is made', async () => {
    const { watcher, copiesFolder } = place(Buffer.from('onnx'));
    const { folder } = await watcher.take(never);
    const stale = folder.replace(`-${process.pid}-`, '-4194305-');
    mkdirSync(stale);
    await openSnapshotsFolder(copiesFolder, logger);
    expect(readdirSync(copiesFolder)).toHaveLength(1);
    await openSnapshotsFolder(join(copiesFolder, 'new'), logger);
    expect(statSync(join(copiesFolder, 'new')).mode & 0o777).toBe(0o700);
  });
});

describe('the watcher', () => {
  it('a change counts after two equal looks', async () => {
    const { watcher, onnxPath } = place(Buffer.from('onnx'));
    await watcher.take(never);
    expect([await watcher.look(undefined), await watcher.look(undefined)]).toEqual([
      { kind: 'unsettled' },
      { kind: 'same' },
    ]);
    appendFileSync(onnxPath, '1');
    expect(await watcher.look(undefined)).toEqual({ kind: 'unsettled' });
    appendFileSync(onnxPath, '2');
    expect(await watcher.look(undefined)).toEqual({ kind: 'unsettled' });
    expect(await watcher.look(undefined)).toEqual({ kind: 'changed' });
    await until(async () => (await watcher.look(undefined)).kind === 'changed');
    await watcher.take(never);
    expect(await watcher.look(undefined)).toEqual({ kind: 'same' });
  });
});
