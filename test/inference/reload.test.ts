import { existsSync, readFileSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ModelJson } from '../../src/inference/contract/model-json.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { modelChildren } from '../fixtures/model-children.ts';
import { until } from '../fixtures/until.ts';
import { FIRST, POLL_MS, SECOND, THIRD, useChangingModel } from './changing-model.ts';
import { largest, lasting, type OpenEngine, pidOf, plain, sourceSize } from './harness.ts';
import { constantAnswer, externalAnswer, slowWhenRed, writeModel } from './models.ts';

const { engines, openFirst, modelFile, move, ask, logged, resultOf } = useChangingModel();
const linux = existsSync('/proc/self/stat');

describe('a model file that changes', () => {
  it('a file that is moved into place is loaded, and answers by its own contract', async () => {
    const engine = await openFirst();
    const [pid, loaded] = [pidOf(engine), engine.status().loaded];
    expect(loaded?.sizeBytes).toBe(FIRST.length);
    move(SECOND);
    await until(() => resultOf(engine) === 'switched');
    expect(await ask(engine)).toBe(1);
    expect(engine.status()).toMatchObject({
      state: 'ready',
      restarts: 0,
      reloading: false,
      loaded: { sizeBytes: SECOND.length, sha256: expect.not.stringContaining(loaded?.sha256 ?? '') },
      lastReload: { reason: 'the files changed', result: 'switched' },
    });
    await until(() => !isRunning(pid) && engines.copies().length === 1);
    expect(logged('model switched')).toHaveLength(1);
  });

  it('a link that comes to point to another model is followed', async () => {
    writeModel(engines.root, 'v1', FIRST);
    writeModel(engines.root, 'v2', SECOND);
    const link = join(engines.root, 'current');
    symlinkSync('v1', link);
    const engine = engines.open('image', link, { pollMs: POLL_MS });
    await engine.ready();
    symlinkSync('v2', `${link}.new`);
    renameSync(`${link}.new`, link);
    await until(() => resultOf(engine) === 'switched');
    expect(await ask(engine)).toBe(1);
  });

  it('a file that is written slowly is loaded once it is complete', async () => {
    const engine = await openFirst({ pollMs: 400 });
    const file = await open(modelFile(), 'w');
    for (let start = 0; start < SECOND.length; start += 32) {
      await file.write(SECOND.subarray(start, start + 32));
      await sleep(10);
    }
    await file.close();
    await until(() => engine.status().lastReload !== undefined);
    expect(resultOf(engine)).toBe('switched');
    expect(await ask(engine)).toBe(1);
    expect(logged('new model refused')).toEqual([]);
  });

  it('a file that is overwritten in place does not change the running process', async () => {
    const engine = await openFirst({ pollMs: 60_000 });
    writeFileSync(modelFile(), 'overwritten');
    expect(await ask(engine)).toBe(0);
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => engine.status().restarts === 1 && engine.status().state === 'ready');
    expect(await ask(engine)).toBe(0);
  });

  it('a change of the model.json alone is loaded', async () => {
    const engine = await openFirst();
    const json: ModelJson = { output: { classes: ['semisynthetic', 'synthetic', 'real'] } };
    move(Buffer.from(JSON.stringify(json)), 'model.json');
    await until(() => resultOf(engine) === 'switched');
    expect(await ask(engine)).toBe(2);
  });

  it('a change of external weights alone is loaded', async () => {
    const { onnx, weights } = externalAnswer([0, 5, 0]);
    const folder = writeModel(engines.root, 'model', onnx);
    writeFileSync(join(folder, 'weights.bin'), weights);
    writeFileSync(join(folder, 'notes.txt'), 'of no interest');
    const engine = engines.open('image', folder, { pollMs: POLL_MS });
    await engine.ready();
    expect(await ask(engine)).toBe(1);
    expect(engine.status().loaded?.sizeBytes).toBe(onnx.length + weights.length);
    move(externalAnswer([0, 0, 5]).weights, 'weights.bin');
    await until(() => resultOf(engine) === 'switched');
    expect(await ask(engine)).toBe(2);
  });

  it('a file that gets another date only is not loaded', async () => {
    const engine = await openFirst();
    const pid = pidOf(engine);
    utimesSync(modelFile(), 1, 1);
    await until(() => resultOf(engine) === 'unchanged');
    expect(pidOf(engine)).toBe(pid);
    expect(engines.copies()).toHaveLength(1);
  });

  it('many changes during a reload cause one more reload, of the last one', async () => {
    const engine = await openFirst();
    move(SECOND);
    await until(() => engine.status().reloading);
    for (let edge = 9; edge < 20; edge += 1) move(constantAnswer([5, 0, 0], edge));
    move(THIRD);
    await until(async () => (await ask(engine)) === 2);
    expect(logged('model switched').length).toBeLessThanOrEqual(2);
  });
});

describe('a request', () => {
  it('a request from before the change is answered by the model that it was decoded for', async () => {
    const engine = await openFirst();
    const pid = pidOf(engine);
    const frames = plain([9, 9, 9]);
    const answer = await engine.use(async ({ infer }) => {
      move(SECOND);
      await until(() => resultOf(engine) === 'switched');
      expect(await ask(engine)).toBe(1);
      expect(isRunning(pid)).toBe(true);
      return infer({ frames, contentHash: 'any', sourceSize }, lasting());
    });
    expect(largest(answer)).toBe(0);
    await until(() => !isRunning(pid));
    expect(engine.status()).toMatchObject({ runs: 2, restarts: 0 });
  });

  it('a request whose process dies after the change is tried again with the same model', async () => {
    const engine = await openFirst();
    const pid = pidOf(engine);
    const answer = await engine.use(async ({ infer }) => {
      await engine.reload('asked');
      move(SECOND);
      process.kill(pid, 'SIGSTOP');
      const answering = infer({ frames: plain([9, 9, 9]), contentHash: 'any', sourceSize }, lasting());
      await sleep(50);
      process.kill(pid, 'SIGKILL');
      return answering;
    });
    expect(largest(answer)).toBe(0);
    expect(logged('model process died during a run')).toHaveLength(1);
    await until(async () => (await ask(engine)) === 1);
    expect(engine.status()).toMatchObject({ restarts: 1 });
  });

  it('an input that killed the former model twice is put to the new model', async () => {
    const hangLimits = { loadMs: 60_000, floorMs: 1_000, ceilingMs: 1_000 };
    const folder = writeModel(engines.root, 'model', slowWhenRed(400));
    const engine = engines.open('image', folder, { pollMs: POLL_MS, hangLimits });
    await engine.ready();
    const poison = { frames: plain([255, 0, 0]), contentHash: 'poison', sourceSize };
    for (const _again of [1, 2]) {
      await expect(engine.infer(poison, lasting())).rejects.toMatchObject({ code: 'INFERENCE_CRASHED' });
    }
    move(THIRD);
    await until(() => resultOf(engine) === 'switched');
    expect(largest(await engine.infer(poison, lasting()))).toBe(2);
  });
});

describe('a reload that is asked for', () => {
  it('a reload that is asked for loads unchanged files too', async () => {
    const engine = await openFirst({ pollMs: 60_000 });
    const pid = pidOf(engine);
    expect(await engine.reload('asked')).toMatchObject({ result: 'switched' });
    expect(pidOf(engine)).not.toBe(pid);
    expect(await ask(engine)).toBe(0);
  });

  it('calls during a reload share one more reload after it', async () => {
    const engine = await openFirst({ pollMs: 200 });
    const first = engine.reload('first');
    await until(() => engine.status().reloading);
    const followers = ['second', 'third', 'fourth'].map((reason) => engine.reload(reason));
    move(SECOND);
    expect((await first).reason).toBe('first');
    expect((await Promise.all(followers)).map(({ reason }) => reason)).toEqual([
      'second',
      'second',
      'second',
    ]);
    expect(logged('model switched')).toHaveLength(2);
    expect(await ask(engine)).toBe(1);
  });
});

describe.skipIf(!linux)('the processes', () => {
  /** Stops the process that loads, as soon as it is there. */
  async function stopCandidate(engine: OpenEngine): Promise<number> {
    let candidate: number | undefined;
    await until(() => {
      candidate = modelChildren().find((pid) => pid !== pidOf(engine));
      return candidate !== undefined;
    });
    process.kill(candidate ?? 0, 'SIGSTOP');
    return candidate ?? 0;
  }

  it('a new model whose process is killed while it loads is refused, without a second attempt', async () => {
    const engine = await openFirst();
    const pid = pidOf(engine);
    move(SECOND);
    process.kill(await stopCandidate(engine), 'SIGKILL');
    await until(() => resultOf(engine) === 'refused');
    expect(engine.status()).toMatchObject({ state: 'ready', pid });
    expect(engine.status().lastReload).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      detail: expect.stringMatching(/SIGKILL.*two models in memory/),
    });
    await sleep(5 * POLL_MS);
    expect(modelChildren()).toEqual([pid]);
    expect((await engine.reload('asked')).result).toBe('switched');
  });

  it('a running model whose process dies while another loads is started again, and answers', async () => {
    const engine = await openFirst({ pollMs: 60_000 });
    const reloading = engine.reload('asked');
    const candidate = await stopCandidate(engine);
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => engine.status().restarts === 1 && engine.status().state === 'ready');
    expect(await ask(engine)).toBe(0);
    expect(modelChildren()).toHaveLength(2);
    process.kill(candidate, 'SIGCONT');
    expect((await reloading).result).toBe('switched');
    expect(pidOf(engine)).toBe(candidate);
    expect(engine.status().restarts).toBe(1);
  });

  it('there are never more than two processes, even if a request holds the former model', async () => {
    const engine = await openFirst({ pollMs: 60_000 });
    await engine.use(async () => {
      await engine.reload('first');
      void engine.reload('second');
      await until(() => engine.status().reloading);
      await sleep(300);
      expect(modelChildren()).toHaveLength(2);
      expect(modelChildren()).toContain(pidOf(engine));
    });
    await until(() => !engine.status().reloading && engines.copies().length === 1);
    expect(modelChildren()).toHaveLength(1);
  });

  it('if memory runs out, the kernel ends a loading process before one that answers', async () => {
    const engine = await openFirst({ pollMs: 60_000 });
    const score = () => Number(readFileSync(`/proc/${pidOf(engine)}/oom_score_adj`, 'utf8'));
    await until(() => score() === 300);
  });

  it('no process and no snapshot stays when the engine is closed during a reload', async () => {
    const engine = await openFirst();
    move(SECOND);
    await stopCandidate(engine);
    const asked = engine.reload('asked');
    await engine.close();
    expect(await asked).toMatchObject({ result: 'refused', code: 'AXON_CLOSING' });
    expect(modelChildren()).toEqual([]);
    expect([...engines.copies(), ...engines.files()]).toEqual([]);
    expect(logged('new model refused')).toEqual([]);
  });

  it('no process and no snapshot stays when the engine is closed while a request holds the former model', async () => {
    const engine = await openFirst({ pollMs: 60_000 });
    await engine.use(async ({ infer }) => {
      await engine.reload('asked');
      await engine.close();
      await expect(
        infer({ frames: plain([9, 9, 9]), contentHash: 'any', sourceSize }, lasting()),
      ).rejects.toMatchObject({ code: 'AXON_CLOSING' });
    });
    expect(modelChildren()).toEqual([]);
    expect(engines.copies()).toEqual([]);
    expect(await engine.reload('too late')).toMatchObject({ result: 'refused', code: 'AXON_CLOSING' });
  });
});
