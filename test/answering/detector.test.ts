import { describe, expect, it } from 'vitest';
import { detect } from '../../src/answering/answerer.ts';
import type { HeldModel, Prediction } from '../../src/inference/engine.ts';
import { lasting, plain, useEngines } from '../inference/harness.ts';
import { meanHead, redMask, writeModel } from '../inference/models.ts';

const engines = useEngines();
const input = { frames: plain([200, 100, 50]), contentHash: 'any', sourceSize: { height: 8, width: 8 } };

describe('a detector', () => {
  it('a detector answers with three numbers whose sum is 1', async () => {
    const onnx = meanHead({ weights: [0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01], outputs: 3 });
    const engine = engines.open('image', writeModel(engines.root, 'model', onnx));
    await engine.ready();
    const values = await detect(engine, input, lasting());
    expect(values).toHaveLength(3);
    expect(Math.abs(values[0] + values[1] + values[2] - 1)).toBeLessThanOrEqual(1e-9);
  });

  it('a detector does not pass a mask off as an answer', async () => {
    const engine = engines.open('mask', writeModel(engines.root, 'model', redMask([1, 3, 8, 8])));
    await engine.ready();
    await expect(detect(engine, input, lasting())).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
  });

  it('a detector refuses an answer that is no proper vector', async () => {
    const onnx = meanHead({ weights: [0, 0, 0, 0, 0, 0], outputs: 2 });
    const engine = engines.open('image', writeModel(engines.root, 'model', onnx));
    await engine.ready();
    for (const values of [
      [Number.NaN, 0, 0],
      [0.5, 0.5, 0.5],
      [1.5, -0.5, 0],
    ] as const) {
      const broken: Pick<HeldModel, 'infer'> = {
        infer: async (): Promise<Prediction> => ({ kind: 'probabilities', values }),
      };
      await expect(detect(broken, input, lasting())).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
    }
  });
});
