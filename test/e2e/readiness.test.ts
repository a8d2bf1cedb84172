import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Devnet, DevnetOptions } from '../../src/devnet/node.ts';
import { openChain } from '../chain/fixture.ts';
import { createMovableClock } from '../fixtures/manual-clock.ts';
import { startDevnet, startMiner } from '../fixtures/miner.ts';
import { freePort, type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { BOB, call } from '../fixtures/validator.ts';

vi.setConfig({ testTimeout: 60_000 });
beforeAll(async () => {
  await cryptoWaitReady();
});

interface Told {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

/** The shipped program in development mode, beside a devnet that the test holds. */
async function open(env: Record<string, string> = {}, options: Partial<DevnetOptions> = {}) {
  const devnet = await startDevnet({ servingRateLimitBlocks: 0, ...options });
  onTestFinished(() => devnet.close());
  return { devnet, miner: await start(devnet, env) };
}

async function start(devnet: Devnet, env: Record<string, string> = {}): Promise<MinerProcess> {
  const miner = await spawnMiner(['start', '--dev'], { CHAIN_ENDPOINT: devnet.url, ...env });
  onTestFinished(miner.close);
  return miner;
}

/** What the three places say at one moment; undefined while the admin port is not open. Readings that straddle a change are taken again. */
async function readAll({ adminPort, output }: MinerProcess): Promise<Told | undefined> {
  try {
    for (;;) {
      const before = await call(adminPort, '/readyz');
      const status = (await call(adminPort, '/status')).json() as unknown as { readiness: Told };
      const after = await call(adminPort, '/readyz');
      if (before.body.toString() !== after.body.toString()) continue;
      const told = before.json() as unknown as Told;
      expect(before.status).toBe(told.ready ? 200 : 503);
      expect(told.ready).toBe(told.reasons.length === 0);
      expect(status.readiness).toEqual(told);
      if (told.ready) await until(() => output().includes('\nREADY axon='));
      return told;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return undefined;
    throw error;
  }
}

/** Waits for a sentence among the reasons, and sees that the miner does not take itself for ready, nor ever did so if it never was. */
async function expectReason(miner: MinerProcess, words: string | RegExp, wasReady: boolean): Promise<void> {
  const fits = (sentence: string) =>
    typeof words === 'string' ? sentence.startsWith(words) : words.test(sentence);
  await until(async () => (await readAll(miner))?.reasons.some(fits) ?? false);
  expect(/^READY /m.test(miner.output())).toBe(wasReady);
}

async function expectWarning(miner: MinerProcess, words: string): Promise<void> {
  await until(async () => {
    const told = await readAll(miner);
    return told?.ready === true && told.warnings.some((warning) => warning.includes(words));
  });
}

async function expectReady(miner: MinerProcess): Promise<void> {
  await until(async () => (await readAll(miner))?.ready ?? false);
  await miner.ready();
}

describe('/readyz, /status and the READY line say the same', () => {
  it('/readyz, /status and the READY line say the same while no chain answers from the start, and once one does', async () => {
    const first = await startDevnet({ servingRateLimitBlocks: 0 });
    await first.close();
    const miner = await start(first);
    await expectReason(miner, `the chain is away: ${first.url}: `, false);
    const devnet = await startDevnet({ port: first.port, state: first.state });
    onTestFinished(() => devnet.close());
    await expectReady(miner);
  });

  it('/readyz, /status and the READY line say the same of a hotkey that is not registered, is registered, and loses its uid', async () => {
    const devnet = await startDevnet({ servingRateLimitBlocks: 0 });
    onTestFinished(() => devnet.close());
    devnet.deregister(BOB);
    const miner = await start(devnet);
    await expectReason(miner, 'the hotkey is not registered on the subnet', false);
    devnet.register(BOB);
    await expectReady(miner);
    devnet.deregister(BOB);
    await expectReason(miner, 'the hotkey was deregistered: its uid ', true);
    devnet.register(BOB);
    await expectReady(miner);
  });

  it.each([
    [6, 'RateLimitExceeded'],
    [10, 'HotKeyNotRegisteredInNetwork'],
    [11, 'InvalidIpAddress'],
    [12, 'ServingRateLimitExceeded'],
    [13, 'InvalidPort'],
    [255, 'BadRequest'],
  ])(
    '/readyz, /status and the READY line say the same while the chain refuses each announcement with %i, in the words of the rule',
    async (code, rule) => {
      const { devnet, miner } = await open();
      devnet.refuseNext(code);
      const refusing = setInterval(() => devnet.refuseNext(code), 20);
      onTestFinished(() => clearInterval(refusing));
      await expectReason(miner, new RegExp(`^the axon is not announced: .*\\(${rule}\\)`), false);
      // It stays so for as long as the chain refuses.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await expectReason(miner, 'the axon is not announced: ', false);
    },
  );

  it('/readyz, /status and the READY line say the same while the chain holds the address of another host, and names it', async () => {
    const devnet = await startDevnet({ servingRateLimitBlocks: 1_000 });
    onTestFinished(() => devnet.close());
    // Before the miner starts: the chain lets only one of the two announce itself.
    const rival = openChain([devnet.url]);
    rival.announce({ ip: '203.0.113.9', port: 7000 });
    await until(() => rival.announcement.state === 'announced');
    await rival.close();
    const miner = await start(devnet);
    await expectReason(miner, '203.0.113.9:7000 was announced with this hotkey, not by this miner: ', false);
    await expectReason(miner, /\(ServingRateLimitExceeded\); the next try is at block \d+$/, false);
  });

  it('/readyz, /status and the READY line say the same while the memory of served requests is lost, which time mends', async () => {
    const state = temporaryFolderPath();
    const axonPort = String(await freePort());
    mkdirSync(join(state, 'dev-34', `development-${axonPort}`, 'served-requests'), {
      recursive: true,
      mode: 0o700,
    });
    const env = { STATE_DIR: state, AXON_PORT: axonPort, FUTURE_TOLERANCE_MS: '12000' };
    const { miner } = await open(env);
    await expectReason(miner, 'the memory of served requests was lost', false);
    await expectReady(miner);
  });

  it('/readyz, /status and the READY line say the same of a model whose process is killed again and again', async () => {
    const { miner } = await open();
    await expectReady(miner);
    for (let kills = 0; kills < 3; kills += 1) {
      const { models } = (await call(miner.adminPort, '/status')).json() as {
        models: { image: { pid: number; restarts: number } };
      };
      process.kill(models.image.pid, 'SIGKILL');
      await until(async () => {
        const now = (await call(miner.adminPort, '/status')).json() as { models: typeof models };
        return now.models.image.restarts === kills + 1;
      });
      await expectReady(miner);
    }
    await expectWarning(
      miner,
      'the process of the image model was replaced 3 times in the last hour; the last time',
    );
  });

  it('/readyz, /status and the READY line say the same of a model whose files are gone, which answers all the same', async () => {
    const model = join(temporaryFolderPath(), 'model');
    cpSync(join(import.meta.dirname, '../../models/example-image-detector'), model, { recursive: true });
    const { miner } = await open({ IMAGE_MODEL: model });
    await expectReady(miner);
    rmSync(model, { recursive: true });
    await expectWarning(miner, 'the image model could not be loaded again');
  });

  it('/readyz, /status and the READY line say the same of a node that falls hours behind, and of a weights_version whose validators do not ask axons', async () => {
    const { devnet, miner } = await open();
    await expectReady(miner);
    devnet.setLag(2 * 3_600_000);
    await expectWarning(miner, 'the node is 2 hours behind');
    devnet.setLag(0);
    devnet.setWeightsVersion(409_090);
    await expectWarning(miner, 'validators run 4.9.9 or later; since 4.0.0 (2025-08-11)');
  });

  it('/readyz, /status and the READY line say the same of a miner that nobody calls for 150 minutes, and that could not read the validators for a day', async () => {
    const clock = createMovableClock();
    const miner = await startMiner({ clock });
    onTestFinished(() => miner.close());
    const { ip, port } = miner.chain.announcement as { ip: string; port: number };
    clock.moveMs(151 * 60_000);
    await until(() =>
      miner.miner.readiness().warnings.some((one) => one.startsWith('no validator has called for 3 hours')),
    );
    const told = (await call(miner.adminPort, '/readyz')).json() as unknown as Told;
    const words = `test the port from another host: curl ${ip}:${port} prints 200`;
    expect(told.warnings).toContainEqual(expect.stringContaining(words));
    expect(told.warnings).toContainEqual(expect.stringContaining('validators run 3.3.1 or later'));
    // The clock of the host is fast now, so that no node is believed and no table is read.
    clock.moveMs(24 * 3_600_000);
    await until(() => !miner.miner.readiness().ready);
    const { reasons } = (await call(miner.adminPort, '/readyz')).json() as unknown as Told;
    expect(reasons).toContainEqual(expect.stringMatching(/^the signer table is 2\d hours old/));
    expect((await call(miner.adminPort, '/status')).json()).toMatchObject({ readiness: { ready: false } });
  });
});
