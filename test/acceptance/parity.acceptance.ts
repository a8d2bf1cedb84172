import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { askDetector } from './answers.ts';
import { type Challenge, makeChallenges } from './challenges.ts';
import { startMiner } from './miners.ts';
import { mediaSeed } from './run-size.ts';
import { runTrainingPython, whyTrainingPythonIsMissing } from './training-python.ts';

const MODEL = join(import.meta.dirname, '../../models/example-image-detector');
const PICTURES = 100;
/** Largest difference of a probability. */
const TOLERANCE = 1e-3;
const vector = z.array(z.number()).length(3);
const answersSchema = z.record(z.string(), z.object({ native: vector, resized: vector, edge: z.int() }));

const missing =
  whyTrainingPythonIsMissing() ??
  (existsSync(join(MODEL, 'weights.safetensors')) ? undefined : 'the example has no weights of PyTorch');
let folder: string;
let pictures: Challenge[];
let answers: z.infer<typeof answersSchema>;

/** How far the probabilities of a miner that runs `model` are at most from PyTorch's, for each class of each picture. */
async function largestDifference(model: string, size: 'native' | 'resized'): Promise<number> {
  const miner = await startMiner('detector', { IMAGE_MODEL: model });
  try {
    const answered = await askDetector(miner.axonPort, pictures);
    expect(answered).toHaveLength(PICTURES);
    return Math.max(
      ...pictures.flatMap(({ path }, i) =>
        (answers[basename(path)]?.[size] ?? [Number.NaN]).map((value, k) =>
          Math.abs(value - (answered[i]?.[k] ?? Number.NaN)),
        ),
      ),
    );
  } finally {
    await miner.close();
  }
}

describe.skipIf(missing !== undefined)(
  `PyTorch and the running miner on ${PICTURES} pictures${missing ? ` (${missing})` : ''}`,
  () => {
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sn34-parity-'));
      const made = await makeChallenges({
        folder: join(folder, 'media'),
        pictures: PICTURES,
        clips: 0,
        seed: mediaSeed() + 1,
      });
      pictures = made.filter(({ level }) => level === 1);
      const script = join(import.meta.dirname, 'python/parity.py');
      await runTrainingPython([script, MODEL, join(folder, 'media'), join(folder, 'models')]);
      answers = answersSchema.parse(JSON.parse(await readFile(join(folder, 'models/answers.json'), 'utf8')));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('parity holds for the model as it is shipped', async () => {
      expect(await largestDifference(MODEL, 'native')).toBeLessThan(TOLERANCE);
    });

    it('parity holds through normalisation and a channels-last layout', async () => {
      expect(await largestDifference(join(folder, 'models/native'), 'native')).toBeLessThan(TOLERANCE);
    });

    it('parity holds through resizing and cropping', async () => {
      const edges = Object.values(answers).map(({ edge }) => edge);
      expect(Math.min(...edges)).toBeLessThan(224);
      expect(Math.max(...edges)).toBeGreaterThan(224);
      expect(await largestDifference(join(folder, 'models/resized'), 'resized')).toBeLessThan(TOLERANCE);
    });

    it.each(['bgr', 'layout', 'mean'])(
      'differ by more than the tolerance where the %s is wrong',
      async (mistake) => {
        expect(await largestDifference(join(folder, 'models', mistake), 'native')).toBeGreaterThan(TOLERANCE);
      },
    );
  },
);
