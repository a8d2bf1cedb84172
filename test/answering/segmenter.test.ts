import { describe, expect, it } from 'vitest';
import { segment } from '../../src/answering/answerer.ts';
import { lasting, plain, useEngines } from '../inference/harness.ts';
import { meanHead, redMask, writeModel } from '../inference/models.ts';

const engines = useEngines();
const sourceSize = { height: 30, width: 20 };
const input = { frames: plain([255, 0, 0]), contentHash: 'any', sourceSize };

describe('a segmenter', () => {
  it('a segmenter answers with a mask of exactly the size of the picture', async () => {
    const engine = engines.open('mask', writeModel(engines.root, 'model', redMask([1, 3, 8, 8])));
    await engine.ready();
    const mask = await segment(engine, input, lasting());
    expect(mask).toMatchObject(sourceSize);
    expect(mask.float16le.toString('hex')).toBe('003c'.repeat(30 * 20));
  });

  it('a segmenter does not pass probabilities off as a mask', async () => {
    const onnx = meanHead({ weights: [0, 0, 0, 0, 0, 0], outputs: 2 });
    const engine = engines.open('image', writeModel(engines.root, 'model', onnx));
    await engine.ready();
    await expect(segment(engine, input, lasting())).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
  });

  it('a segmenter does not answer with a mask of another size', async () => {
    const engine = engines.open('mask', writeModel(engines.root, 'model', redMask([1, 3, 8, 8])));
    await engine.ready();
    const infer = async () => ({
      kind: 'mask' as const,
      float16le: Buffer.alloc(8 * 8 * 2),
      height: 8,
      width: 8,
    });
    await expect(segment({ infer }, input, lasting())).rejects.toMatchObject({ code: 'INFERENCE_FAILED' });
  });
});
