import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it, onTestFinished } from 'vitest';
import { MASK_PIXELS_LIMIT } from '../../src/media/limits.ts';
import { makeJpeg } from '../fixtures/media.ts';
import { spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { createValidator } from '../fixtures/validator.ts';
import { redMask, writeModel } from '../inference/models.ts';

const TURN_LIMIT_MS = 50;
const REQUESTS = 5;
const EDGE = Math.floor(Math.sqrt(MASK_PIXELS_LIMIT));

it('the largest mask takes no turn of the event loop of more than 50 ms of CPU time', async () => {
  const folder = temporaryFolderPath();
  const record = join(folder, 'turns');
  const miner = await spawnMiner(['start', '--dev'], {
    MINER_TYPE: 'segmenter',
    // The example model has the native size, for which the limit of pixels is lower.
    SEGMENTER_MODEL: writeModel(folder, 'model', redMask([1, 3, 256, 256])),
    NODE_OPTIONS: `--import ${new URL('record-turns.mjs', import.meta.url)}`,
    TURNS_RECORD: record,
  });
  onTestFinished(miner.close);
  await miner.ready();
  const alice = createValidator('//Alice');
  const ask = (picture: Buffer) => alice.post(miner.axonPort, '/segment_image', picture);
  expect((await ask(await makeJpeg({ width: 64, height: 64, seed: 1 }))).status).toBe(200);

  const largest = await sharp({ create: { width: EDGE, height: EDGE, channels: 3, background: '#345' } })
    .jpeg()
    .toBuffer();
  const startedAtMs = Date.now();
  for (let request = 0; request < REQUESTS; request++) {
    const answer = await ask(largest);
    expect(answer.body, answer.body.toString('latin1', 0, 100)).toHaveLength(2 * EDGE * EDGE);
  }
  const turns = readFileSync(record, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  // Long turns are seen: the start has some.
  expect(turns.some(([atMs = 0, cpuMs = 0]) => atMs < startedAtMs && cpuMs > TURN_LIMIT_MS)).toBe(true);
  const turnsMs = turns.flatMap(([atMs = 0, cpuMs = 0]) => (atMs >= startedAtMs ? [cpuMs] : []));
  const longestMs = Math.max(0, ...turnsMs);
  process.stdout.write(
    `${REQUESTS} masks of ${EDGE} × ${EDGE}: ${turnsMs.length} turns of more than 5 ms, the longest ${longestMs} ms\n`,
  );
  expect(longestMs).toBeLessThan(TURN_LIMIT_MS);
});
