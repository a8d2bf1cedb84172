import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Devnet } from '../../src/devnet/node.ts';
import { createMovableClock } from '../fixtures/manual-clock.ts';
import { makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startDevnet, startMiner } from '../fixtures/miner.ts';
import { spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { BOB, call, createValidator } from '../fixtures/validator.ts';

const LAG_MS = 5 * 3_600_000;
const BEHIND = 'the node is 5 hours behind';
vi.setConfig({ testTimeout: 60_000 });

let jpeg: Buffer;
beforeAll(async () => {
  jpeg = await makeJpeg({ width: 64, height: 64, seed: 1 });
});

async function openNode(): Promise<Devnet> {
  const devnet = await startDevnet({ servingRateLimitBlocks: 0 });
  onTestFinished(() => devnet.close());
  return devnet;
}

async function open(options: Parameters<typeof startMiner>[0]): Promise<RunningMiner> {
  const miner = await startMiner(options);
  onTestFinished(() => miner.close());
  return miner;
}

/** The state folder of a miner that has run for a while and was stopped. */
async function leaveState(devnet: Devnet): Promise<string> {
  const stateDir = temporaryFolderPath();
  const earlier = await startMiner({ devnet, stateDir });
  await earlier.close();
  return stateDir;
}

/** What Alice, who has the stake, is answered. */
async function ask(port: number): Promise<number> {
  return (await createValidator('//Alice').post(port, '/detect_image', jpeg)).status;
}

async function readyz(adminPort: number) {
  const { status, json } = await call(adminPort, '/readyz');
  const { reasons = [], warnings = [] } = json() as { reasons?: string[]; warnings?: string[] };
  return { status, reasons, warnings };
}

const isWarm = ({ miner }: RunningMiner) => miner.readiness().reasons.every((one) => !one.includes('model'));

describe('a miner that starts beside a node which is hours behind', () => {
  it('a miner that starts beside a node which is hours behind answers by the signer table of its earlier run, says why it is not ready, and is ready once the node has caught up', async () => {
    const devnet = await openNode();
    const stateDir = await leaveState(devnet);
    // At the old block of the node neither of them was registered.
    devnet.setLag(LAG_MS);
    devnet.deregister(BOB);
    devnet.deregister(createValidator('//Alice').address);
    const running = await open({ devnet, stateDir, waitUntilReady: false });
    await until(() => isWarm(running) && running.chain.status().connection.state === 'down');

    expect(await ask(running.port)).toBe(200);
    const { status, reasons, warnings } = await readyz(running.adminPort);
    expect(status).toBe(503);
    expect(reasons).toEqual(['the registration of the hotkey was not read yet']);
    expect(warnings).toEqual([expect.stringContaining(`the chain is away: ${devnet.url}: ${BEHIND}`)]);
    expect(warnings[0]).toContain('the signer table of');
    expect(running.lines().map(({ msg }) => msg)).not.toContain('no longer registered on the subnet');
    expect(
      running
        .lines()
        .filter(({ code }) => code === 'CHAIN_NODE_BEHIND')
        .map(({ msg }) => msg),
    ).toContain('chain away, trying again');
    expect(JSON.stringify(running.lines())).not.toContain('set it by NTP');

    devnet.register(BOB);
    devnet.register(createValidator('//Alice').address, { stakeTao: 1_000_000, permit: true });
    devnet.setLag(0);
    await until(async () => (await readyz(running.adminPort)).status === 200);
    await until(() => devnet.axonOf(BOB) !== undefined);
    expect(await ask(running.port)).toBe(200);
    expect((await readyz(running.adminPort)).warnings).toEqual([]);
  });

  it('a miner that starts beside a node which is hours behind uses the second endpoint if there is one', async () => {
    const [behind, synced] = [await openNode(), await openNode()];
    behind.setLag(LAG_MS);
    behind.deregister(BOB);
    const running = await open({ devnet: behind, env: { CHAIN_ENDPOINT: `${behind.url},${synced.url}` } });
    expect(running.chain.status()).toMatchObject({
      connection: { state: 'connected', endpoint: synced.url },
      lastFailure: {
        endpoint: behind.url,
        code: 'CHAIN_NODE_BEHIND',
        reason: expect.stringContaining(BEHIND),
      },
    });
    expect(await ask(running.port)).toBe(200);
    await until(() => synced.axonOf(BOB) !== undefined);
    expect(behind.axonOf(BOB)).toBeUndefined();
  });
});

describe('a miner whose node falls behind', () => {
  it('a miner whose node falls behind goes on with what it knows, stays ready with a warning, and takes the node back once it has caught up', async () => {
    const devnet = await openNode();
    const running = await open({ devnet });
    await until(() => running.chain.announcement.state === 'announced');
    const announcedBefore = devnet.axonOf(BOB)?.block;

    devnet.setLag(LAG_MS);
    devnet.deregister(createValidator('//Alice').address);
    await until(() => running.chain.status().connection.state === 'down');
    expect(await ask(running.port)).toBe(200);
    const { status, reasons, warnings } = await readyz(running.adminPort);
    expect([status, reasons]).toEqual([200, []]);
    expect(warnings).toEqual([expect.stringContaining(BEHIND)]);
    expect(running.chain.registration.state).toBe('registered');

    devnet.register(createValidator('//Alice').address, { stakeTao: 1_000_000 });
    devnet.setLag(0);
    await until(async () => (await readyz(running.adminPort)).warnings.length === 0);
    expect(await ask(running.port)).toBe(200);
    expect(devnet.axonOf(BOB)?.block).toBe(announcedBefore);
  });
});

describe('a miner whose node lags by less than the limit', () => {
  it('a miner whose node lags by less than the limit does not blame the clock of its host, and names the node as the other cause', async () => {
    const devnet = await openNode();
    devnet.setLag(20_000);
    const running = await open({ devnet });
    const clock = () =>
      running.miner.status().clock as {
        isOff: boolean;
        chainOffsetMs: number | null;
        warning: string | null;
      };
    await until(() => clock().warning !== null);
    expect(clock().chainOffsetMs).toBeGreaterThan(16_000);
    expect(clock().isOff).toBe(false);
    expect(clock().warning).toContain('the node is behind, or the clock of this host is fast');
    expect((await readyz(running.adminPort)).status).toBe(200);
    expect(JSON.stringify(running.lines())).not.toContain('set it by NTP');
  });
});

describe('a miner whose clock is fast by more than the limit', () => {
  it('a miner whose clock is fast by more than the limit uses its node again once three verified callers have shown so', async () => {
    const devnet = await openNode();
    const callers = (['//Alice', '//Charlie', '//Dave'] as const).map(createValidator);
    devnet.register(callers[2]?.address ?? '');
    for (const { address } of callers) devnet.setStake(address, 50_000);
    const stateDir = await leaveState(devnet);
    const clock = createMovableClock();
    clock.moveMs(6_000);
    const running = await open({ devnet, stateDir, clock, blockWatchdogMs: 5_000, waitUntilReady: false });
    const connection = () => running.chain.status().connection;
    await until(() => isWarm(running) && connection().state === 'down');
    expect(connection()).toMatchObject({ code: 'CHAIN_NODE_BEHIND' });

    for (const caller of callers) {
      expect(connection().state).toBe('down');
      expect((await caller.post(running.port, '/detect_image', jpeg)).status).toBe(200);
    }
    await until(() => running.miner.readiness().ready);
    expect(running.miner.readiness().warnings).toEqual([
      expect.stringContaining('the clock of this host is'),
    ]);
  });
});

describe('the process that is to end if its hotkey is not registered', () => {
  it('a miner with ON_UNREGISTERED=exit does not end because of a node which is hours behind, and is ready once the node has caught up', async () => {
    const devnet = await openNode();
    devnet.setLag(LAG_MS);
    devnet.deregister(BOB);
    const flags = ['start', '--dev', '--on-unregistered', 'exit', '--subtensor.chain_endpoint', devnet.url];
    const running = await spawnMiner(flags);
    onTestFinished(() => running.close());
    let exitCode: number | null | undefined;
    void running.ended.then((code) => {
      exitCode = code;
    });
    await until(() => exitCode !== undefined || running.output().includes('listening'));
    expect(exitCode).toBeUndefined();
    await until(async () => {
      const { reasons } = await readyz(running.adminPort);
      return (
        reasons.some((reason) => reason.includes(BEHIND)) && !reasons.some((one) => one.includes('model'))
      );
    });
    // By now a chain that is believed would have been read several times.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(exitCode).toBeUndefined();
    expect(running.output()).not.toContain('CHAIN_NOT_REGISTERED');

    devnet.register(BOB);
    devnet.setLag(0);
    expect(await running.ready()).toMatch(/^READY/);
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
  });

  it('a miner with ON_UNREGISTERED=exit still ends when a node that is up to date says so', async () => {
    const devnet = await openNode();
    devnet.deregister(BOB);
    const flags = ['start', '--dev', '--on-unregistered', 'exit', '--subtensor.chain_endpoint', devnet.url];
    const running = await spawnMiner(flags);
    onTestFinished(() => running.close());
    expect(await running.ended).toBe(12);
  });
});
