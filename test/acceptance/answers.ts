import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { decodeFloat16 } from '../../src/inference/child/float16.ts';
import { createValidator } from '../fixtures/validator.ts';
import type { Challenge } from './challenges.ts';
import { intersectionOverUnion } from './scoring.ts';

/** As many at once as keep a small machine busy; a validator sends one and waits. */
const REQUESTS_AT_ONCE = 2;
const CONTENT_TYPES = { image: 'image/jpeg', video: 'video/mp4' } as const;

/** Does `work` for every item, a few at a time, and keeps the order. */
async function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const take = async () => {
    for (const [i, item] of queue) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, take));
  return results;
}

/**
 * Asks a running detector by requests that //Alice signs.
 * @returns a probability of each class per challenge
 * @throws Error with the miner's words if it answers anything but 200
 */
export function askDetector(
  port: number,
  challenges: readonly Pick<Challenge, 'path' | 'modality'>[],
): Promise<number[][]> {
  const alice = createValidator('//Alice');
  return eachOf(challenges, async ({ path, modality }) => {
    const answer = await alice.post(port, `/detect_${modality}`, await readFile(path), {
      headers: { 'Content-Type': CONTENT_TYPES[modality] },
    });
    const { prediction } = answer.json();
    if (answer.status !== 200 || prediction === undefined) throw new Error(`${path}: ${answer.body}`);
    return prediction;
  });
}

/**
 * Asks a running segmenter about pictures that have a mask.
 * @returns intersection over union of each
 * @throws Error if it answers anything but 200, or a mask of another size than the picture
 */
export function askSegmenter(port: number, challenges: readonly Challenge[]): Promise<number[]> {
  const alice = createValidator('//Alice');
  return eachOf(challenges, async ({ path, mask }) => {
    if (mask === null) throw new Error(`${path} has no mask`);
    const answer = await alice.post(port, '/segment_image', await readFile(path));
    if (answer.status !== 200) throw new Error(`${path}: ${answer.body}`);
    const { data, info } = await sharp(await readFile(mask))
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (answer.headers['x-mask-shape'] !== `${info.height},${info.width}`)
      throw new Error(`${path}: a mask of ${answer.headers['x-mask-shape']}`);
    const confidences = Float32Array.from({ length: answer.body.length / 2 }, (_, i) =>
      decodeFloat16(answer.body.readUInt16LE(2 * i)),
    );
    return intersectionOverUnion(data, confidences);
  });
}
