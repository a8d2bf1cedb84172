import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MinerProcess } from '../fixtures/miner-process.ts';
import { askDetector, askSegmenter } from './answers.ts';
import { type Challenge, LEVELS, makeChallenges } from './challenges.ts';
import { startMiner } from './miners.ts';
import { asTable, type Result } from './results.ts';
import { clipCount, mediaSeed, pictureCount } from './run-size.ts';
import { argmax, binaryMatthews, matthews } from './scoring.ts';
import { whyTrainingPythonIsMissing } from './training-python.ts';

/** Levels at which the models have to hold; the figures at the others are shown. */
const JUDGED_LEVELS = [0, 1] as const;

const missing = whyTrainingPythonIsMissing();
const results: Result[] = [];
let folder: string;
let challenges: Challenge[];
let miner: MinerProcess | undefined;

const select = (modality: Challenge['modality'], level: number) =>
  challenges.filter((challenge) => challenge.modality === modality && challenge.level === level);

/** Keeps a result for the table, and asserts each level on its own. */
function judge(result: Result): void {
  results.push(result);
  if (result.least === undefined) return;
  for (const level of JUDGED_LEVELS) {
    const name = `${result.model}, ${result.figure}, level ${level}`;
    expect.soft(result.values[level], name).toBeGreaterThanOrEqual(result.least);
  }
}

/** Labels and answered classes of each level. */
async function detect(modality: Challenge['modality'], port: number) {
  const levels: { truth: number[]; answers: number[] }[] = [];
  for (const level of LEVELS) {
    const sent = select(modality, level);
    const answers = (await askDetector(port, sent)).map(argmax);
    levels.push({ truth: sent.map(({ label }) => label), answers });
  }
  return levels;
}

describe.skipIf(missing !== undefined)(`the example models${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sn34-acceptance-'));
    challenges = await makeChallenges({
      folder,
      pictures: pictureCount(),
      clips: clipCount(),
      seed: mediaSeed(),
    });
  });
  afterAll(async () => {
    await miner?.close();
    await rm(folder, { recursive: true, force: true });
    process.stdout.write(`\n${asTable(results)}\n`);
    if (process.env.ACCEPTANCE_OUT !== undefined)
      await writeFile(
        process.env.ACCEPTANCE_OUT,
        `${JSON.stringify({ seed: mediaSeed(), results }, null, 2)}\n`,
      );
  });

  it('the example models start as a detector', async () => {
    miner = await startMiner('detector');
  });

  it.each([
    { modality: 'image', model: 'example-image-detector', binary: 0.9, classes: 0.8, count: pictureCount() },
    {
      modality: 'video',
      model: 'example-video-detector',
      binary: 0.9,
      classes: undefined,
      count: clipCount(),
    },
  ] as const)('tell real, synthetic and semisynthetic apart: $modality', async (asked) => {
    const levels = await detect(asked.modality, miner?.axonPort ?? 0);
    const { model, count, binary, classes } = asked;
    const binaries = levels.map(({ truth, answers }) => binaryMatthews(truth, answers));
    const threes = levels.map(({ truth, answers }) => matthews(truth, answers));
    judge({ model, figure: 'binary MCC', count, values: binaries, least: binary });
    judge({ model, figure: 'three-class MCC', count, values: threes, least: classes });
  });

  it('the example model starts as a segmenter', async () => {
    await miner?.close();
    miner = await startMiner('segmenter');
  });

  it('the example segmenter finds the altered part of a picture', async () => {
    const values: number[] = [];
    let count = 0;
    for (const level of LEVELS) {
      const altered = select('image', level).filter(({ mask }) => mask !== null);
      const overlaps = await askSegmenter(miner?.axonPort ?? 0, altered);
      values.push(overlaps.reduce((sum, overlap) => sum + overlap, 0) / overlaps.length);
      count = overlaps.length;
    }
    judge({ model: 'example-segmenter', figure: 'mean IoU', count, values, least: 0.7 });
  });
});
