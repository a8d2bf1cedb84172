import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { buildExamples } from '../../models/make-examples.mjs';
import { encodeModel } from '../../models/onnx-writer.mjs';
import { detect } from '../../src/inference/detector.ts';
import { segment } from '../../src/inference/segmenter.ts';
import type { RgbFrames } from '../../src/media/frames.ts';
import { lasting, type OpenEngine, patterned, plain, useEngines } from '../inference/harness.ts';

const models = fileURLToPath(new URL('../../models/', import.meta.url));
const engines = useEngines();

describe('the example models', () => {
  it('are exactly what their recipe makes, and small', () => {
    for (const [folder, bytes] of Object.entries(buildExamples())) {
      const committed = readFileSync(join(models, folder, 'model.onnx'));
      expect(committed.equals(bytes)).toBe(true);
      expect(committed.length).toBeLessThan(500_000);
    }
  });

  for (const [task, folder] of [
    ['image', 'example-image-detector'],
    ['video', 'example-video-detector'],
    ['video', 'example-image-detector'],
  ] as const) {
    it(`answer differently to different input: ${folder} for task ${task}`, async () => {
      const engine = engines.open(task, join(models, folder));
      await engine.ready();
      const answers = await Promise.all(
        picturesFor(engine).map((frames, index) =>
          detect(engine, { frames, contentHash: String(index), sourceSize: frames }, lasting()),
        ),
      );
      expect(new Set(answers.map(([real]) => real.toFixed(3))).size).toBe(answers.length);
    });
  }

  it('mark what stands out: example-segmenter', async () => {
    const engine = engines.open('mask', join(models, 'example-segmenter'));
    await engine.ready();
    const [flat, , halfNoisy] = picturesFor(engine);
    const sourceSize = { height: 100, width: 150 };
    const ask = async (frames: RgbFrames | undefined): Promise<number> => {
      if (frames === undefined) throw new Error('No picture');
      const mask = await segment(engine, { frames, contentHash: 'any', sourceSize }, lasting());
      expect(mask.float16le).toHaveLength(100 * 150 * 2);
      return mask.float16le.filter((byte) => byte === 0x3c).length;
    };
    expect(await ask(flat)).toBe(0);
    const marked = await ask(halfNoisy);
    expect(marked).toBeGreaterThan(0);
    expect(marked).toBeLessThanOrEqual(100 * 150);
  });
});

describe('the ONNX writer', () => {
  it('refuses a constant whose shape and values disagree', () => {
    const constants = [{ name: 'c', type: 'float32' as const, shape: [2, 2], data: [1, 2, 3] }];
    expect(() => encodeModel({ name: 'g', inputs: [], outputs: [], nodes: [], constants })).toThrow(
      RangeError,
    );
  });
});

/** A flat picture, one full of detail, and one with detail in its first quarter only. */
function picturesFor(engine: OpenEngine): RgbFrames[] {
  const { fit, frames: count } = engine.contract.input;
  if (fit.mode === 'native') throw new Error('The examples have a size');
  const detailed = patterned(count, fit.height, fit.width);
  const partly = plain([120, 120, 120], { count, height: fit.height, width: fit.width });
  detailed.data.copy(partly.data, 0, 0, partly.data.length / 4);
  return [plain([120, 120, 120], { count, height: fit.height, width: fit.width }), detailed, partly];
}
