import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { askDetector } from './answers.ts';
import { type Challenge, makeChallenges } from './challenges.ts';
import { startMiner } from './miners.ts';
import { SEED } from './run-size.ts';
import { runTrainingPython, whyTrainingPythonIsMissing } from './training-python.ts';

const MODEL = join(import.meta.dirname, '../../models/example-image-detector');
const PICTURES = 100;
/** Largest difference of a probability. */
const TOLERANCE = 1e-3;
/**
 * Mean difference after shrinking: libvips rounds between its two passes and PyTorch does not, so that a fifth of the
 * samples is one grey level off, which a model of traces notices where it is unsure.
 */
const SHRUNK_TOLERANCE = 5e-3;

const vector = z.array(z.number()).length(3);
const answersSchema = z.record(
  z.string(),
  z.object({ native: vector, enlarged: vector.optional(), shrunk: vector.optional() }),
);

const missing =
  whyTrainingPythonIsMissing() ??
  (existsSync(join(MODEL, 'weights.safetensors')) ? undefined : 'the example has no weights of PyTorch');
let folder: string;
let pictures: Challenge[];
let answers: z.infer<typeof answersSchema>;

/**
 * How far the probabilities of a miner that runs `model` are from PyTorch's, for each class of each picture that PyTorch
 * looked at in this size.
 */
async function differences(model: string, size: 'native' | 'enlarged' | 'shrunk'): Promise<number[]> {
  const asked = pictures.flatMap((picture) => {
    const expected = answers[basename(picture.path)]?.[size];
    return expected === undefined ? [] : [{ picture, expected }];
  });
  expect(asked.length).toBeGreaterThanOrEqual(size === 'native' ? PICTURES : PICTURES / 5);
  const miner = await startMiner('detector', { IMAGE_MODEL: model });
  try {
    const answered = await askDetector(
      miner.axonPort,
      asked.map(({ picture }) => picture),
    );
    return asked.flatMap(({ expected }, i) =>
      expected.map((value, k) => Math.abs(value - (answered[i]?.[k] ?? Number.NaN))),
    );
  } finally {
    await miner.close();
  }
}

const largest = async (...asked: Parameters<typeof differences>) =>
  Math.max(...(await differences(...asked)));

describe.skipIf(missing !== undefined)(
  `PyTorch and the running miner on ${PICTURES} pictures${missing ? ` (${missing})` : ''}`,
  () => {
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sn34-parity-'));
      const made = await makeChallenges({
        folder: join(folder, 'media'),
        pictures: PICTURES,
        clips: 0,
        seed: SEED + 1,
      });
      pictures = made.filter(({ level }) => level === 1);
      const script = join(import.meta.dirname, 'python/parity.py');
      await runTrainingPython([script, MODEL, join(folder, 'media'), join(folder, 'models')]);
      answers = answersSchema.parse(JSON.parse(await readFile(join(folder, 'models/answers.json'), 'utf8')));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('agree on the model as it is shipped', async () => {
      expect(await largest(MODEL, 'native')).toBeLessThan(TOLERANCE);
    });

    it('agree through normalisation and a layout of channels last', async () => {
      expect(await largest(join(folder, 'models/native'), 'native')).toBeLessThan(TOLERANCE);
    });

    it('agree through enlarging and cutting', async () => {
      expect(await largest(join(folder, 'models/resized'), 'enlarged')).toBeLessThan(TOLERANCE);
    });

    it('agree through shrinking but for what rounding leaves', async () => {
      const all = await differences(join(folder, 'models/resized'), 'shrunk');
      expect(all.reduce((sum, difference) => sum + difference, 0) / all.length).toBeLessThan(
        SHRUNK_TOLERANCE,
      );
    });

    it.each(['bgr', 'layout', 'mean'])(
      'differ by more than the tolerance where the %s is wrong',
      async (mistake) => {
        expect(await largest(join(folder, 'models', mistake), 'native')).toBeGreaterThan(TOLERANCE);
      },
    );
  },
);
