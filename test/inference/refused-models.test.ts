import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../fixtures/until.ts';
import { lasting, plain, useEngines } from './harness.ts';
import { refusal } from './refusal.ts';
import { REFUSED_MODELS } from './refused-models.ts';

const engines = useEngines();

describe('a model is refused at the start, with what is wrong and what to do', () => {
  it.each(REFUSED_MODELS.map((model) => [model.name, model] as const))('for %s', async (_, model) => {
    const folder = join(engines.root, 'model');
    mkdirSync(folder);
    const engine = engines.open(model.task, model.write(folder));

    const error: unknown = await engine.ready().catch((reason: unknown) => reason);

    expect(error).toEqual(refusal(model.code, ...model.words));
    const { message } = error as Error;
    expect(engine.status()).toMatchObject({ state: 'failed', lastError: message });
    // The words are for people: no source files of the runtime, no signatures, no colours.
    expect(message).not.toMatch(/onnxruntime_src|::|\.cc:|\[1;31m/);
    const request = { frames: plain([0, 0, 0]), contentHash: 'any', sourceSize: { height: 8, width: 8 } };
    await expect(engine.infer(request, lasting())).rejects.toMatchObject({ code: model.code });
    await until(() => engine.status().pid === undefined);
  });
});
