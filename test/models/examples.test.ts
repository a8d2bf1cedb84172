import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { detect, segment } from '../../src/answering/answerer.ts';
import type { EngineInput } from '../../src/inference/engine.ts';
import { fitFrames } from '../../src/media/fitting/fit-frames.ts';
import { useDecoding } from '../fixtures/picture-decoder.ts';
import { lasting, plain, useEngines } from '../inference/harness.ts';

const CLASSES = ['real', 'synthetic', 'semisynthetic'] as const;
const EXAMPLES = ['example-image-detector', 'example-video-detector', 'example-segmenter'] as const;
const models = fileURLToPath(new URL('../../models/', import.meta.url));
const pictures = fileURLToPath(new URL('../fixtures/procedural/', import.meta.url));
const engines = useEngines();
const decode = useDecoding();

describe('the example models', () => {
  it('are small: 12 MB with all that is beside them', () => {
    const bytes = EXAMPLES.flatMap((folder) =>
      readdirSync(join(models, folder)).map((file) => statSync(join(models, folder, file)).size),
    );
    expect(bytes.reduce((total, size) => total + size, 0)).toBeLessThan(12_000_000);
  });

  for (const folder of EXAMPLES) {
    it(`say what they scored at every augmentation level, and that they earn nothing: ${folder}`, () => {
      const card = readFileSync(join(models, folder, 'MODEL_CARD.md'), 'utf8');
      expect(card).toContain('| level 0 | level 1 | level 2 | level 3 |');
      expect(card).toContain('earns nothing');
      expect(card).toContain('reproduce.sh');
    });
  }

  it('tell the three classes apart', async () => {
    const engine = engines.open('image', join(models, 'example-image-detector'));
    await engine.ready();
    for (const [label, name] of CLASSES.entries()) {
      const answer = await detect(engine, await picture(`${name}.jpg`), lasting());
      expect(answer.indexOf(Math.max(...answer))).toBe(label);
    }
  });

  it('mark the region that was made', async () => {
    const engine = engines.open('mask', join(models, 'example-segmenter'));
    await engine.ready();
    const input = await picture('semisynthetic.jpg');
    const { float16le, height, width } = await segment(engine, input, lasting());
    expect({ height, width }).toEqual(input.sourceSize);
    const truth = (await picture('semisynthetic-mask.png')).frames.data;
    let both = 0;
    let either = 0;
    for (let pixel = 0; pixel < height * width; pixel += 1) {
      const made = (truth[pixel * 3] ?? 0) > 127;
      const marked = float16le.readUInt16LE(pixel * 2) !== 0;
      both += Number(made && marked);
      either += Number(made || marked);
    }
    expect(both / either).toBeGreaterThan(0.7);
  });

  it('mark next to nothing in a real picture, and nearly all of a synthetic one', async () => {
    const engine = engines.open('mask', join(models, 'example-segmenter'));
    await engine.ready();
    const share = async (file: string): Promise<number> => {
      const { float16le, height, width } = await segment(engine, await picture(file), lasting());
      return float16le.filter((byte) => byte === 0x3c).length / (height * width);
    };
    expect(await share('real.jpg')).toBeLessThan(0.1);
    expect(await share('synthetic.jpg')).toBeGreaterThan(0.9);
  });

  it('take pictures of any size, however small', async () => {
    const engine = engines.open('mask', join(models, 'example-segmenter'));
    await engine.ready();
    for (const [height, width] of [
      [1, 1],
      [37, 500],
    ] as const) {
      const frames = plain([120, 130, 140], { height, width });
      const mask = await segment(engine, { frames, contentHash: 'any', sourceSize: frames }, lasting());
      expect(mask.float16le).toHaveLength(height * width * 2);
    }
  });

  for (const folder of ['example-video-detector', 'example-image-detector']) {
    it(`answer differently to different clips: ${folder}`, async () => {
      const engine = engines.open('video', join(models, folder));
      await engine.ready();
      const answers = [];
      for (const file of ['real.jpg', 'synthetic.jpg']) {
        const { frames } = await picture(file);
        const { fit, frames: count } = engine.contract.input;
        const fitted = await fitFrames(frames, fit);
        const clip = { ...fitted, count, data: Buffer.concat(Array(count).fill(fitted.data)) };
        const input = { frames: clip, contentHash: file, sourceSize: frames };
        answers.push((await detect(engine, input, lasting()))[0].toFixed(3));
      }
      expect(new Set(answers).size).toBe(answers.length);
    });
  }
});

/** A picture of a held-out procedural set, as validators encode them. */
async function picture(file: string): Promise<EngineInput> {
  const frames = await decode(readFileSync(join(pictures, file)));
  return { frames, contentHash: file, sourceSize: { height: frames.height, width: frames.width } };
}
