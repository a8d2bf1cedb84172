import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fitFrames } from '../../src/media/fitting/fit-frames.ts';
import type { Fit, RgbFrames } from '../../src/media/frames.ts';
import { createPictureDecoder, type PictureDecoder } from '../../src/media/pictures/picture-decoder.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { makeJpeg } from '../fixtures/media.ts';

const EDGE = 1024;
/** Pictures of one turn; the two ways take turns, so that what else runs on the machine meets both. */
const PICTURES_PER_TURN = 20;
const TURNS = 12;
/** The first turns warm the compilers of both. */
const UNCOUNTED_TURNS = 2;
const MS_PER_TICK = 10;
const FITS: Readonly<Record<string, Fit>> = {
  '224 × 224': { mode: 'cover', width: 224, height: 224 },
  'native size': { mode: 'native' },
};

const { signal } = new AbortController();
let decoder: PictureDecoder;
let jpeg: Buffer;
beforeAll(async () => {
  decoder = createPictureDecoder({ processes: 1, logger: createCapturingLogger().logger });
  jpeg = await makeJpeg({ width: EDGE, height: EDGE, seed: 1 });
});
afterAll(() => decoder.close());

/** As pictures were decoded in the miner's own process. */
async function decodeInFront(bytes: Buffer, fit: Fit): Promise<RgbFrames> {
  const options = { ignoreIcc: true, failOn: 'error' } as const;
  await sharp(bytes, { ...options, limitInputPixels: false }).metadata();
  const { data, info } = await sharp(bytes, options)
    .removeAlpha()
    .toColourspace('srgb')
    .timeout({ seconds: 10 })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return fitFrames({ data, count: 1, height: info.height, width: info.width }, fit, { signal });
}

const decodeInChild = async (bytes: Buffer, fit: Fit): Promise<RgbFrames> =>
  (await decoder.decode(bytes, { fit, signal })).frames;

/** Processor time of this process and of its children that live, in milliseconds. */
function cpuMs(): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return [...children].reduce((sum, pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const isOurs = Number(pid) === process.pid || Number(fields[1]) === process.pid;
      return isOurs ? sum + (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK : sum;
    } catch {
      // It ended while it was looked at.
      return sum;
    }
  }, 0);
}

for (const [name, fit] of Object.entries(FITS)) {
  it(`CPU of a picture of ${EDGE} px, fitted to ${name}: in the miner's process against a child`, async () => {
    sharp.cache(false);
    sharp.concurrency(1);
    const ways = { front: decodeInFront, child: decodeInChild };
    expect((await decodeInChild(jpeg, fit)).data.equals((await decodeInFront(jpeg, fit)).data)).toBe(true);
    const totals = { front: 0, child: 0 };
    for (let turn = 0; turn < TURNS + UNCOUNTED_TURNS; turn++) {
      const order = turn % 2 === 0 ? (['front', 'child'] as const) : (['child', 'front'] as const);
      for (const way of order) {
        const before = cpuMs();
        for (let count = 0; count < PICTURES_PER_TURN; count++) await ways[way](jpeg, fit);
        if (turn >= UNCOUNTED_TURNS) totals[way] += cpuMs() - before;
      }
    }
    const each = (total: number) => (total / (TURNS * PICTURES_PER_TURN)).toFixed(2);
    process.stdout.write(
      `\nCPU of a JPEG of ${EDGE} × ${EDGE} pixels (${(jpeg.length / 1e3).toFixed(0)} kB), fitted to ${name}\n` +
        `  in the miner's process ${each(totals.front)} ms   in a child ${each(totals.child)} ms` +
        `   ratio ${(totals.child / totals.front).toFixed(3)}   (${TURNS * PICTURES_PER_TURN} pictures each)\n`,
    );
  });
}
