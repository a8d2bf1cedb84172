import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ERROR_DEFINITIONS, type ErrorCode } from '../../src/errors.ts';
import { until } from '../fixtures/until.ts';
import { FIRST, POLL_MS, SECOND, useChangingModel } from './changing-model.ts';
import { pidOf } from './harness.ts';
import { externalAnswer, redMask, writeModel } from './models.ts';

const { engines, openFirst, modelFile, move, ask, logged, resultOf } = useChangingModel();

describe('a refused file', () => {
  it.each<[string, ErrorCode, () => void, string]>([
    ['that is cut short', 'MODEL_UNREADABLE', () => move(SECOND.subarray(0, SECOND.length / 2)), 'cut short'],
    [
      'that its model.json contradicts',
      'MODEL_CONTRADICTION',
      () => move(Buffer.from('{"input": {"size": {"height": 16, "width": 8}}}'), 'model.json'),
      '16',
    ],
    [
      'with a broken model.json',
      'MODEL_JSON_INVALID',
      () => move(Buffer.from('{'), 'model.json'),
      'not JSON',
    ],
    ['for another task', 'MODEL_INVALID', () => move(redMask([1, 3, 8, 8])), 'shape'],
  ])(
    'a file %s is refused once, with the reason, and the present model goes on',
    async (_, code, damage, reason) => {
      const engine = await openFirst();
      const { pid, loaded } = engine.status();
      damage();
      await until(() => resultOf(engine) === 'refused');
      expect(engine.status()).toMatchObject({
        state: 'ready',
        pid,
        loaded,
        restarts: 0,
        lastError: undefined,
      });
      expect(engine.status().lastReload).toMatchObject({
        code,
        detail: expect.stringContaining(reason),
      });
      // The operator knows the model by its own path.
      expect(engine.status().lastReload?.detail).not.toContain('sn34-miner-');
      await sleep(10 * POLL_MS);
      expect(await ask(engine)).toBe(0);
      expect(engines.logLines().filter(({ level }) => level === 'error')).toMatchObject([
        { msg: 'new model refused', code, remedy: ERROR_DEFINITIONS[code].remedy },
      ]);
      expect(engines.copies()).toHaveLength(1);
    },
  );

  it('a process that dies later is not started from a refused file', async () => {
    const engine = await openFirst();
    move(Buffer.from('not a model'));
    await until(() => resultOf(engine) === 'refused');
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => engine.status().restarts === 1 && engine.status().state === 'ready');
    expect(await ask(engine)).toBe(0);
  });

  it('a refused file that is removed leaves the files of the running model: nothing is loaded', async () => {
    const engine = await openFirst();
    const pid = pidOf(engine);
    move(Buffer.from('{'), 'model.json');
    await until(() => resultOf(engine) === 'refused');
    rmSync(modelFile('model.json'));
    await until(() => resultOf(engine) === 'unchanged');
    expect(engine.status()).toMatchObject({ pid, missingFiles: [] });
  });

  it('a refused file is tried again on request, and loaded once it is repaired', async () => {
    const engine = await openFirst();
    move(Buffer.from('not a model'));
    await until(() => resultOf(engine) === 'refused');
    expect(await engine.reload('asked')).toMatchObject({ result: 'refused', reason: 'asked' });
    expect(logged('new model refused')).toHaveLength(2);
    move(SECOND);
    await until(() => resultOf(engine) === 'switched');
    expect(await ask(engine)).toBe(1);
  });

  it('a model that is refused at the start is loaded once it is repaired', async () => {
    const engine = engines.open('image', writeModel(engines.root, 'model', Buffer.from('no')), {
      pollMs: POLL_MS,
    });
    await expect(engine.ready()).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' });
    move(SECOND);
    await until(() => engine.status().state === 'ready');
    expect(await ask(engine)).toBe(1);
  });

  it('a model that cannot be copied is refused as such', async () => {
    const folder = writeModel(engines.root, 'model', FIRST);
    const engine = engines.open('image', folder, { copiesFolder: '/dev/null/copies' });
    await expect(engine.ready()).rejects.toMatchObject({ code: 'MODEL_COPY_FAILED' });
  });
});

describe('missing files', () => {
  it('missing files cause one warning; the model goes on, and nothing is loaded when they are back', async () => {
    const engine = await openFirst();
    const pid = pidOf(engine);
    const aside = join(engines.root, 'aside');
    renameSync(modelFile(), aside);
    await until(() => engine.status().missingFiles.length > 0);
    expect(engine.status()).toMatchObject({ state: 'ready', missingFiles: [modelFile()] });
    await sleep(5 * POLL_MS);
    expect(logged('model files missing; the loaded model goes on')).toMatchObject([
      { level: 'warn', missing: [modelFile()] },
    ]);
    expect(await engine.reload('asked')).toMatchObject({ result: 'refused', code: 'MODEL_NOT_FOUND' });
    expect(await ask(engine)).toBe(0);
    renameSync(aside, modelFile());
    await until(() => engine.status().missingFiles.length === 0);
    expect(pidOf(engine)).toBe(pid);
  });

  it('a missing model.json counts as a missing file, not as another model', async () => {
    const engine = await openFirst({}, { output: { classes: ['synthetic', 'real', 'semisynthetic'] } });
    rmSync(modelFile('model.json'));
    await until(() => engine.status().missingFiles.length > 0);
    expect(await ask(engine)).toBe(1);
    expect((await engine.reload('asked')).result).toBe('switched');
    expect(await ask(engine)).toBe(0);
  });

  it('a missing model.json counts as a missing file, also after the files were rewritten unchanged', async () => {
    const engine = await openFirst({}, { output: { classes: ['synthetic', 'real', 'semisynthetic'] } });
    move(FIRST);
    await until(() => resultOf(engine) === 'unchanged');
    rmSync(modelFile('model.json'));
    await until(() => engine.status().missingFiles.length > 0);
    await sleep(5 * POLL_MS);
    expect(await ask(engine)).toBe(1);
  });

  it('a model whose weights are still missing is loaded when they are there', async () => {
    const engine = await openFirst();
    const { onnx, weights } = externalAnswer([0, 5, 0]);
    move(onnx);
    await until(() => engine.status().missingFiles.length > 0);
    expect(engine.status()).toMatchObject({ state: 'ready', missingFiles: [modelFile('weights.bin')] });
    expect(logged('new model refused')).toEqual([]);
    move(weights, 'weights.bin');
    await until(() => resultOf(engine) === 'switched');
    expect(await ask(engine)).toBe(1);
  });

  it('if the snapshot is gone, a new one is taken of the files', async () => {
    const engine = await openFirst();
    const copies = join(engines.root, '../copies');
    for (const name of engines.copies()) rmSync(join(copies, name), { recursive: true });
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => engine.status().lastReload !== undefined);
    expect(engine.status()).toMatchObject({ state: 'ready', lastReload: { result: 'switched' } });
    expect(await ask(engine)).toBe(0);
  });
});
