import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createValidator } from '../fixtures/validator.ts';
import { type Attack, endlessUploads, flood, mallory, postFile, repeat } from './attacker.ts';
import { makeBlackClip } from './evil-clips.ts';
import { createHonestValidators, type HonestFigures, type HonestValidators } from './honest-validators.ts';
import { type MinerUnderAttack, startMinerUnderAttack } from './miner-under-attack.ts';

const HONEST_REQUESTS = 100;
const HONEST_EVERY_MS = 250;
/** Of what is answered in time when nobody attacks. */
const LEAST_SHARE = 0.95;
const MEMORY_LIMIT_MIB = 1024;
const RECOVERY_LIMIT_MS = 5_000;
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
    calm = await honest.ask(miner.axonPort, HONEST_REQUESTS, HONEST_EVERY_MS);
    table.push(`${minerType}, calm: ${figures(calm)}`);
  }, 120_000);
  afterAll(async () => {
    await miner?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers all honest requests while nobody attacks', () => {
    expect(calm.inTime).toBe(HONEST_REQUESTS);
  });

  it.each(Object.entries(attacks))('%s', async (name, attack) => {
    const end = new AbortController();
    const stopWatching = miner.watchMemory();
    const attacking = attack({ port: miner.axonPort, signal: end.signal });
    const asked = await honest.ask(miner.axonPort, HONEST_REQUESTS, HONEST_EVERY_MS);
    end.abort();
    await attacking;
    const recoveredMs = await honest.recovery(miner.axonPort);
    const peakMib = stopWatching();
    const leftovers = await miner.leftovers();
    table.push(
      `${minerType}, ${name}: ${figures(asked)}; ${peakMib.toFixed(0)} MiB; ` +
        `recovered in ${(recoveredMs / 1000).toFixed(1)} s; ${leftovers.length} leftovers`,
    );
    expect(miner.isAlive()).toBe(true);
    expect(asked.inTime).toBeGreaterThanOrEqual(LEAST_SHARE * calm.inTime);
    expect(peakMib).toBeLessThan(MEMORY_LIMIT_MIB);
    expect(recoveredMs).toBeLessThan(RECOVERY_LIMIT_MS);
    expect(leftovers).toEqual([]);
  });

  it('spends little on what is hopeless', async () => {
    for (const [name, { path, file }] of Object.entries(files)) {
      const before = miner.cpuSeconds();
      const status = await postFile(miner.axonPort, path, file);
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

const dearClip = await makeBlackClip('3840x2160', 1_800);
const honestSigner = createValidator('//Honest0');

describe('a detector', () => {
  underAttack(
    'detector',
    {
      'two dear clips at once, again and again': flood('/detect_video', dearClip, 2),
      'endless uploads with a copied secret signature': endlessUploads(honestSigner, 40, 32 * 1024 * 1024),
      'requests dated 8 s ahead': ({ port, signal }) =>
        repeat(4, signal, () =>
          postFile(port, '/detect_image', dearClip, { signal, timestampMs: Date.now() + 8_000 }),
        ),
    },
    async () => ({
      '8K, 3,600 frames': { path: '/detect_video', file: await makeBlackClip('7680x4320', 3_600) },
    }),
  );
});
