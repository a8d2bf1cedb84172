import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { head } from '../fixtures/axon.ts';
import { makeCroppedAvif } from '../fixtures/cropped-avif.ts';
import { makeJpeg } from '../fixtures/media.ts';
import { makeScannedJpeg } from '../fixtures/scanned-jpeg.ts';
import { createValidator } from '../fixtures/validator.ts';
import { attack } from './attacked-miner.ts';
import {
  type Attack,
  copy,
  endlessUploads,
  flood,
  mallory,
  neverReading,
  postFile,
  repeat,
} from './attacker.ts';
import { makeBlackClip, makeLongIndexClip, makeNoisyClip } from './evil-clips.ts';
import { createHonestValidators, type HonestFigures, type HonestValidators } from './honest-validators.ts';
import type { Lie } from './hostile-node.ts';
import { type MinerUnderAttack, startMinerUnderAttack } from './miner-under-attack.ts';

const HONEST_REQUESTS = 100;
const HONEST_EVERY_MS = 150;
/** The share of the answers in time without an attack. */
const LEAST_SHARE = 0.95;
const MEMORY_LIMIT_MIB = 1024;
const RECOVERY_LIMIT_MS = 5_000;
/** A line or two for each request, theirs and the attacker's. */
const LOG_LIMIT_BYTES = 5_000_000;
const HOPELESS_CPU_LIMIT_S = 2;

type Files = Readonly<Record<string, { readonly path: string; readonly file: Buffer }>>;

const table: string[] = [];
afterAll(() => process.stdout.write(`${table.join('\n')}\n`));

/** Runs each attack on one miner, beside honest validators at a fixed pace, and weighs each hopeless file alone. */
function underAttack(
  minerType: 'detector' | 'segmenter',
  attacks: Readonly<Record<string, Attack>>,
  hopeless: () => Promise<Files>,
): void {
  let miner: MinerUnderAttack;
  let honest: HonestValidators;
  let calm: HonestFigures;
  let files: Files;
  let folder: string;

  beforeAll(async () => {
    honest = await createHonestValidators(minerType);
    files = await hopeless();
    folder = mkdtempSync(join(tmpdir(), 'sn34-miner-test-'));
    miner = await startMinerUnderAttack(minerType, [...honest.addresses, mallory.address], folder);
    calm = await honest.ask(miner.port, HONEST_REQUESTS, HONEST_EVERY_MS);
    table.push(`${minerType}, calm: ${figures(calm)}`);
  }, 120_000);
  afterAll(async () => {
    await miner?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a miner answers all honest requests without an attack', () => {
    expect(calm.inTime).toBe(HONEST_REQUESTS);
  });

  it.each(Object.entries(attacks))('%s', async (name, { run, overhear }) => {
    const end = new AbortController();
    const stopWatching = miner.watchMemory();
    const attacking = run?.({ port: miner.port, node: miner.node, signal: end.signal });
    const logBytesBefore = miner.logBytes();
    const asked = await honest.ask(miner.port, HONEST_REQUESTS, HONEST_EVERY_MS, overhear);
    end.abort();
    await attacking;
    const recoveredMs = await honest.recovery(miner.port);
    const peakMib = stopWatching();
    const logBytes = miner.logBytes() - logBytesBefore;
    const leftovers = await miner.leftovers();
    table.push(
      `${minerType}, ${name}: ${figures(asked)}; ${peakMib.toFixed(0)} MiB; ` +
        `recovered in ${(recoveredMs / 1000).toFixed(1)} s; ${leftovers.length} leftovers; ${(logBytes / 1e6).toFixed(1)} MB of log`,
    );
    expect(miner.isAlive()).toBe(true);
    expect(asked.inTime).toBeGreaterThanOrEqual(LEAST_SHARE * calm.inTime);
    expect(peakMib).toBeLessThan(MEMORY_LIMIT_MIB);
    expect(logBytes).toBeLessThan(LOG_LIMIT_BYTES);
    expect(recoveredMs).toBeLessThan(RECOVERY_LIMIT_MS);
    expect(leftovers).toEqual([]);
  });

  it('a miner spends little on hopeless requests', async () => {
    for (const [name, { path, file }] of Object.entries(files)) {
      const before = miner.cpuSeconds();
      const status = await postFile(miner.port, path, file);
      await miner.quiet();
      const spent = miner.cpuSeconds() - before;
      table.push(`${minerType}, ${name} (${file.length} bytes): ${status}, ${spent.toFixed(2)} CPU seconds`);
      expect.soft(spent, name).toBeLessThan(HOPELESS_CPU_LIMIT_S);
    }
  });
}

const figures = ({ asked, inTime, others }: HonestFigures) =>
  `${inTime} of ${asked} in time${Object.entries(others)
    .map(([what, count]) => `, ${count} ${what}`)
    .join('')}`;

const MIB = 1024 * 1024;
const longClip = await makeBlackClip('3840x2160', 3_600);
/** Just within the limit of pixels. */
const dearClip = await makeNoisyClip('1920x1080', 600);
const scannedJpeg = makeScannedJpeg({ width: 8_000, height: 8_000, scans: 883 });
const croppedAvif = await makeCroppedAvif({ edge: 8_192, shownEdge: 16 });
/** The largest that is decoded, for what a pixel of an AVIF takes. */
const largeAvif = await makeCroppedAvif({ edge: 4_864 });
const largeMask = await makeBlank(5_200, 5_200);
const picture = await makeJpeg({ width: 256, height: 256, seed: 3 });
const blank = await makeBlank(16_383, 5_461);
const honestSigner = createValidator('//Honest0');

/** The node answers errors with a text of this many bytes. */
const longErrors = (bytes: number): Lie => {
  const message = 'x'.repeat(bytes);
  return ({ id }) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: 1, message } });
};

describe('a detector', () => {
  underAttack(
    'detector',
    {
      'pictures of 883 scans': { run: flood('/detect_image', scannedJpeg, 4) },
      'pictures that hide 67 megapixels behind a crop box': { run: flood('/detect_image', croppedAvif, 4) },
      'the largest pictures that are decoded': { run: flood('/detect_image', largeAvif, 4) },
      'clips of two minutes of 4K': { run: flood('/detect_video', longClip, 2) },
      'two dear clips of one validator, again and again': { run: flood('/detect_video', dearClip, 2) },
      'sixteen dear clips of one validator, again and again': { run: flood('/detect_video', dearClip, 16) },
      'endless uploads with a copied secret signature': { run: endlessUploads(honestSigner, 40, 32 * MIB) },
      'endless uploads of a registered validator': { run: endlessUploads(mallory, 40, 32 * MIB) },
      'requests dated 8 s ahead': {
        run: ({ port, signal }) =>
          repeat(4, signal, () =>
            postFile(port, '/detect_image', picture, { signal, timestampMs: Date.now() + 7_900 }),
          ),
      },
      'a copy of each request on the path of another task': {
        overhear: ({ path, ...request }) =>
          copy({ ...request, path: path === '/detect_image' ? '/detect_video' : '/detect_image' }),
      },
      'two hundred connections that ask for nothing, as fast as they are let': {
        run: ({ port }) =>
          attack({
            port,
            connections: 200,
            durationMs: HONEST_REQUESTS * HONEST_EVERY_MS,
            mode: 'flood',
            bytes: head('GET /', {}),
          }),
      },
      'a node whose errors have 2 MB': { run: async ({ node }) => node.lie(longErrors(2_000_000)) },
    },
    async () => ({
      'a picture of 883 scans': { path: '/detect_image', file: scannedJpeg },
      'a picture that hides 67 megapixels': { path: '/detect_image', file: croppedAvif },
      '4K, two minutes': { path: '/detect_video', file: longClip },
      'an index of 2^21 samples': { path: '/detect_video', file: await makeLongIndexClip(2 ** 21) },
      'an index of 2^22 samples': { path: '/detect_video', file: await makeLongIndexClip(2 ** 22) },
      'an index of 2^24 samples': { path: '/detect_video', file: await makeLongIndexClip(2 ** 24) },
      '8K, two minutes': { path: '/detect_video', file: await makeBlackClip('7680x4320', 3_600) },
    }),
  );
});

describe('a segmenter', () => {
  underAttack(
    'segmenter',
    {
      'pictures of 34 bytes with 89 megapixels': { run: flood('/segment_image', blank, 8) },
      'masks of 54 MB': { run: flood('/segment_image', largeMask, 4) },
      'masks of 54 MB that nobody reads': { run: neverReading('/segment_image', largeMask, 32) },
      'a node whose answers have 8 MB': { run: async ({ node }) => node.lie(longErrors(8_000_000)) },
    },
    async () => ({
      'a blank picture of 89 megapixels': { path: '/segment_image', file: blank },
    }),
  );
});

/** A lossless picture of one colour: some bytes to send, and all of its pixels to decode. */
function makeBlank(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: 'black' } })
    .webp({ lossless: true, effort: 0 })
    .toBuffer();
}
