import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Devnet } from '../../src/devnet/node.ts';
import { DISPATCH_ERRORS } from '../chain/fixture.ts';
import { makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startDevnet, startMiner } from '../fixtures/miner.ts';
import { until } from '../fixtures/until.ts';
import { BOB, call, createValidator } from '../fixtures/validator.ts';

const DAVE = createValidator('//Dave');
const CHARLIE = createValidator('//Charlie').address;
/** Ten blocks. */
const WATCHDOG_MS = 2_000;
/** However a fault goes, the state shown is true this long after it at the latest: no test may take longer. */
vi.setConfig({ testTimeout: WATCHDOG_MS + 30_000 });
const ADDRESS = '127.0.0.2';

let jpeg: Buffer;
beforeAll(async () => {
  jpeg = await makeJpeg({ width: 64, height: 64, seed: 1 });
});

async function expectAnswered({ port }: RunningMiner, validator = createValidator('//Alice')): Promise<void> {
  const answer = await validator.post(port, '/detect_image', jpeg);
  expect([answer.status, answer.json().code]).toEqual([200, undefined]);
}

async function readyz({ adminPort }: RunningMiner) {
  const answer = await call(adminPort, '/readyz');
  return { status: answer.status, ...(answer.json() as { reasons?: string[]; warnings?: string[] }) };
}

describe('a miner answers known validators and shows its state', () => {
  let devnet: Devnet;
  let miner: RunningMiner;
  const state = () => miner.chain.status().connection.state;
  const axonPort = () => devnet.axonOf(BOB)?.port;

  beforeAll(async () => {
    devnet = await startDevnet({ servingRateLimitBlocks: 0 });
    miner = await startMiner({ devnet, blockWatchdogMs: WATCHDOG_MS });
    await until(() => miner.chain.announcement.state === 'announced');
  });
  afterAll(async () => {
    await miner.close();
    await devnet.close();
  });

  /** Announces another port, which shows that the connection is good for more than reading. */
  async function expectAnnounces(port: number): Promise<void> {
    miner.chain.announce({ ip: ADDRESS, port });
    await until(() => axonPort() === port && miner.chain.announcement.state === 'announced');
    expect(miner.chain.announcement).toMatchObject({ port });
  }

  it('a miner answers known validators and shows its state while the node is gone, and after it has come back', async () => {
    const { port, state: blocks } = devnet;
    await devnet.close();
    await until(() => state() === 'down');
    await expectAnswered(miner);
    const { status, warnings } = await readyz(miner);
    expect([status, warnings]).toEqual([200, [expect.stringContaining('the chain is away')]]);

    devnet = await startDevnet({ port, state: blocks });
    await until(() => state() === 'connected');
    await expectAnswered(miner);
    await until(async () => (await readyz(miner)).warnings?.length === 0);
    await expectAnnounces(9_001);
  });

  it('a miner answers known validators and shows its state while the node hangs', async () => {
    devnet.stopAnswering();
    await until(() => state() === 'down');
    expect(miner.chain.status().lastFailure?.reason).toContain('no new block');
    await expectAnswered(miner);
    devnet.resumeAnswering();
    await until(() => state() === 'connected');
    await expectAnswered(miner);
  });

  it('a miner answers known validators and shows its state while the node answers and its head stands still, and does not count as alive', async () => {
    devnet.stopBlocks();
    await until(() => state() === 'down');
    const stoodAt = miner.chain.status().block;
    // Longer than the next connection takes to be given up.
    await new Promise((resolve) => setTimeout(resolve, 2 * WATCHDOG_MS));
    expect(state()).toBe('down');
    expect(miner.chain.status().block).toBe(stoodAt);
    expect(miner.chain.status().blockAgeMs).toBeGreaterThan(3 * WATCHDOG_MS - 500);
    expect(miner.chain.status().signers.ageMs).toBeGreaterThan(2 * WATCHDOG_MS);
    await expectAnswered(miner);
    devnet.resumeBlocks();
    await until(() => state() === 'connected');
    await expectAnswered(miner);
  });

  it('a miner answers known validators and shows its state when connections are dropped', async () => {
    const states: string[] = [];
    const stop = miner.chain.on('connection', (connection) => states.push(connection.state));
    devnet.dropConnections();
    await expectAnswered(miner);
    await until(() => states.includes('connected'));
    stop();
    expect(states).toContain('down');
    await expectAnswered(miner);
  });

  it('a miner answers known validators and shows its state when the runtime is upgraded', async () => {
    const before = miner.chain.status().connection;
    expect(before).toMatchObject({ specVersion: 424 });
    devnet.upgradeRuntime(425);
    await expectAnswered(miner);
    await until(() => {
      const { connection } = miner.chain.status();
      return connection.state === 'connected' && connection.specVersion === 425;
    });
    await expectAnswered(miner);
    await expectAnnounces(9_002);
  });

  it.each([6, 10, 11, 12, 13, 255])(
    'a miner answers known validators and shows its state when the pool refuses the address with %i',
    async (code) => {
      devnet.refuseNext(code);
      miner.chain.announce({ ip: ADDRESS, port: 9_100 + code });
      await until(() => ['failed', 'waiting'].includes(miner.chain.announcement.state));
      expect(miner.chain.announcement).toMatchObject({ reason: expect.any(String) });
      await expectAnswered(miner);
      await until(() => axonPort() === 9_100 + code);
    },
  );

  it.each(DISPATCH_ERRORS)(
    'a miner answers known validators and shows its state when the runtime refuses the address in the block with %s',
    async (name) => {
      const port = 9_400 + DISPATCH_ERRORS.indexOf(name);
      devnet.failNext(name);
      miner.chain.announce({ ip: ADDRESS, port });
      await until(() => ['failed', 'waiting'].includes(miner.chain.announcement.state));
      // The rate limit is waited for; every other rule is shown by its name.
      const shown = name === 'ServingRateLimitExceeded' ? { state: 'waiting' } : { refusal: name };
      expect(miner.chain.announcement).toMatchObject({ ...shown, reason: expect.any(String) });
      await expectAnswered(miner);
      await until(() => axonPort() === port);
    },
  );

  it('a miner answers known validators and shows its state when its hotkey is evicted and registered again at another uid', async () => {
    devnet.evict(BOB, DAVE.address);
    await until(() => miner.chain.registration.state === 'deregistered');
    expect(miner.chain.registration).toMatchObject({ formerUid: 1, takenBy: DAVE.address });
    await expectAnswered(miner);
    const { status, reasons } = await readyz(miner);
    expect([status, reasons]).toEqual([503, [expect.stringContaining('deregistered')]]);

    devnet.register(BOB);
    await until(() => axonPort() !== undefined && miner.chain.announcement.state === 'announced');
    expect(miner.chain.registration).toMatchObject({ state: 'registered', uid: 3, movedFromUid: 1 });
    expect((await readyz(miner)).status).toBe(200);
    await expectAnswered(miner);
  });

  it('a miner answers known validators and shows its state while the endpoint serves another chain, of which it believes nothing', async () => {
    const { port, state: blocks } = devnet;
    await devnet.close();
    devnet = await startDevnet({ port, chainName: 'another chain', neurons: [{ hotkey: BOB }] });
    await until(() => miner.chain.status().lastFailure?.code === 'CHAIN_WRONG_NETWORK');
    expect(miner.chain.status().connection).toMatchObject({
      state: 'down',
      reason: expect.stringContaining('genesis.json'),
    });
    await expectAnswered(miner);
    await devnet.close();
    devnet = await startDevnet({ port, state: blocks });
    await until(() => state() === 'connected');
    await expectAnswered(miner);
  });
});

describe('a miner with two endpoints', () => {
  it('a miner with two endpoints answers without a break when the first goes away, and is connected to the second', async () => {
    const first = await startDevnet();
    const second = await startDevnet();
    const env = { CHAIN_ENDPOINT: `${first.url},${second.url}` };
    const miner = await startMiner({ devnet: first, env });
    await first.close();
    await expectAnswered(miner);
    await until(() => {
      const { connection } = miner.chain.status();
      return connection.state === 'connected' && connection.endpoint === second.url;
    });
    await expectAnswered(miner);
    await miner.close();
    await second.close();
  });
});

describe('a validator that has just registered', () => {
  it('a validator that has just registered is answered at its first call', async () => {
    const devnet = await startDevnet({ blockTimeMs: 600_000, sealOnSubmit: true });
    const miner = await startMiner({ devnet });
    // The table is not read for strangers when it is younger than 6 s.
    await until(() => (miner.chain.status().signers.ageMs ?? 0) >= 6_000);
    devnet.evict(CHARLIE, DAVE.address);
    devnet.setStake(DAVE.address, 50_000);
    await expectAnswered(miner, DAVE);
    await miner.close();
    await devnet.close();
  });
});
