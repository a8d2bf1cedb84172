import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/inference/contract/model-json.ts';
import { openInspectedModel } from '../../src/inspect/inspected-model.ts';
import { createTemporaryFolder } from '../../src/state/temporary-file.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { lasting, plain, sourceSize, useEngines } from './harness.ts';
import { meanHead, redMask, weightedMeans, writeModel } from './models.ts';
import { refusal, wordsInOrder } from './refused-model.ts';
import { REFUSED_MODELS } from './refused-models.ts';

const engines = useEngines();
const request = { frames: plain([0, 0, 0]), contentHash: 'any', sourceSize };

/** The words are for people: no source files of the runtime, no signatures, no colours, no private folders. */
function expectPlainWords(message: string): void {
  expect(message).not.toMatch(/onnxruntime_src|::|\.cc:|\[1;31m|copies/);
}

function freshFolder(): string {
  const folder = join(engines.root, 'model');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}

describe('a model is refused with the cause and the remedy, at the start and by inspect,', () => {
  it.each(REFUSED_MODELS.map((model) => [model.name, model] as const))('for %s', async (_, model) => {
    const { task, code, words } = model;
    const modelPath = model.write(freshFolder());
    const temporary = await createTemporaryFolder({
      memoryFolder: join(engines.root, 'absent'),
      diskFolder: temporaryFolderPath(),
    });
    const { signal } = new AbortController();
    const inspecting = openInspectedModel({ modelPath, task, device: 'cpu', temporary, signal }).catch(
      (reason: unknown) => reason,
    );
    const engine = engines.open(task, modelPath);

    const error: unknown = await engine.ready().catch((reason: unknown) => reason);

    expect(error).toEqual(refusal(code, ...words));
    const { message } = error as Error;
    expect(message).toContain(modelPath);
    expectPlainWords(message);
    expect(engine.status()).toMatchObject({ state: 'failed', lastError: message });
    await expect(engine.infer(request, lasting())).rejects.toMatchObject({ code });
    await until(() => engine.status().pid === undefined);
    const inspected = await inspecting;
    expect(inspected).toEqual(refusal(code, ...words));
    expectPlainWords((inspected as Error).message);
    await temporary.close();
  });
});

describe('a model is refused with the cause and the remedy at a reload', () => {
  const good: Readonly<Record<Task, Buffer>> = {
    image: meanHead({ weights: [1 / 64, 0, 0, 0, 1 / 64, 0, 0, 0, 1 / 64], outputs: 3 }),
    video: weightedMeans({ layout: 'NTCHW', dtype: 'uint8', frames: 1, height: 8, width: 8 }),
    mask: redMask([1, 3, 8, 8]),
  };

  it.each(['image', 'video', 'mask'] as const)(
    'for %s, and the present model goes on',
    async (task) => {
      const folder = freshFolder();
      const engine = engines.open(task, writeModel(folder, '.', good[task]), { pollMs: 600_000 });
      await engine.ready();
      const { pid } = engine.status();
      for (const model of REFUSED_MODELS.filter((each) => each.task === task)) {
        for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
        if (model.write(folder) !== folder) continue;
        const report = await engine.reload('test');
        const { code, words } = model;
        expect(report, model.name).toMatchObject({ result: 'refused', code, detail: wordsInOrder(words) });
        expectPlainWords(report.detail ?? '');
      }
      expect(engine.status()).toMatchObject({ state: 'ready', pid, restarts: 0 });
      await expect(engine.infer(request, lasting())).resolves.toBeDefined();
    },
    120_000,
  );
});
