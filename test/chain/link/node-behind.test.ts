import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BLOCK_TIME_KEY } from '../../../src/chain/link/head-age.ts';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { openDevnet } from '../../fixtures/devnet.ts';
import { alice, bob } from '../../fixtures/keys.ts';
import { createMovableClock } from '../../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../../fixtures/temporary.ts';
import { until } from '../../fixtures/until.ts';
import { openChain, openProxy } from '../fixture.ts';

const HOUR_MS = 3_600_000;
const BEHIND = {
  state: 'down',
  code: 'CHAIN_NODE_BEHIND',
  reason: expect.stringContaining('the node is 3 hours behind'),
};
type OpenedChain = ReturnType<typeof openChain>;
const isDown = (chain: OpenedChain) => chain.status().connection.state === 'down';
const isConnected = (chain: OpenedChain) => chain.status().connection.state === 'connected';

/** A node whose newest block is three hours old; its blocks go on. */
async function openLaggingDevnet() {
  const devnet = await openDevnet();
  devnet.setLag(3 * HOUR_MS);
  return devnet;
}

/** All that is asked of a node before it is believed: its first block, its newest, and the time of that. */
const ASKED_FIRST = ['chain_getBlockHash', 'chain_getBlockHash', 'state_getStorage'];

const asksTime = (method: string, key: unknown) => method === 'state_getStorage' && key === BLOCK_TIME_KEY;

describe('a node that is hours behind', () => {
  it('a node that is hours behind is not read, not saved, and gets no announcement', async () => {
    const devnet = await openLaggingDevnet();
    devnet.deregister(bob);
    const proxy = await openProxy(devnet.url);
    const stateDir = temporaryFolderPath();
    const chain = openChain([proxy.url], { stateDir });
    const blockTimes: number[] = [];
    chain.on('blockTime', (timestampMs) => blockTimes.push(timestampMs));
    chain.announce({ ip: '8.8.8.8', port: 8091 });
    await until(() => proxy.methods().length >= 2 * ASKED_FIRST.length);
    await until(() => isDown(chain));

    expect(chain.status()).toMatchObject({
      connection: { ...BEHIND, endpoint: proxy.url },
      lastFailure: { code: 'CHAIN_NODE_BEHIND' },
      block: null,
      registration: { state: 'unknown' },
      signers: { known: false },
    });
    expect(blockTimes).toEqual([]);
    expect(chain.clockOffsetMs).toBeUndefined();
    expect(chain.announcement.state).not.toBe('submitted');
    for (const name of ['genesis.json', 'metadata.json', 'signers.json']) {
      expect(existsSync(join(stateDir, 'chain', name))).toBe(false);
    }
    expect(proxy.methods().slice(0, 2 * ASKED_FIRST.length)).toEqual([...ASKED_FIRST, ...ASKED_FIRST]);
  });

  it('a node that is behind costs less than a kilobyte a try, and is logged once', async () => {
    const devnet = await openLaggingDevnet();
    const proxy = await openProxy(devnet.url);
    const { logger, lines } = createCapturingLogger();
    const chain = openChain([proxy.url], { logger });
    await until(() => isDown(chain));
    proxy.reset();
    await until(() => lines().some(({ msg }) => msg === 'chain still away'));
    expect(proxy.methods().length).toBeLessThanOrEqual(ASKED_FIRST.length);
    expect(proxy.bytes()).toBeLessThan(1_024);
    expect(lines().filter(({ msg }) => msg === 'chain away, trying again')).toHaveLength(1);
  });

  it('a node that was behind is used once it has caught up', async () => {
    const devnet = await openLaggingDevnet();
    const chain = openChain([devnet.url]);
    await until(() => isDown(chain));
    devnet.setLag(0);
    await until(() => chain.signersKnown && chain.registration.state === 'registered');
    expect(isConnected(chain)).toBe(true);
  });

  it('a node that is behind leaves the signer table of an earlier run unchanged', async () => {
    const devnet = await openDevnet();
    const stateDir = temporaryFolderPath();
    const first = openChain([devnet.url], { stateDir });
    await until(() => first.signersKnown);
    await first.close();
    const path = join(stateDir, 'chain', 'signers.json');
    const saved = readFileSync(path, 'utf8');

    devnet.setLag(3 * HOUR_MS);
    devnet.deregister(alice);
    const second = openChain([devnet.url], { stateDir });
    await until(() => isDown(second));
    await second.refreshSigners(100);
    expect(second.signer(alice)).toMatchObject({ uid: 0 });
    expect(readFileSync(path, 'utf8')).toBe(saved);
  });

  it('the next endpoint is used in place of a node that is behind', async () => {
    const behind = await openLaggingDevnet();
    const synced = await openDevnet();
    const chain = openChain([behind.url, synced.url]);
    await until(() => chain.signersKnown);
    expect(chain.status()).toMatchObject({
      connection: { state: 'connected', endpoint: synced.url },
      lastFailure: { endpoint: behind.url, code: 'CHAIN_NODE_BEHIND' },
    });
  });

  it('two endpoints that fail in different ways are each logged once', async () => {
    const gone = await openDevnet();
    await gone.close();
    const behind = await openLaggingDevnet();
    const { logger, lines } = createCapturingLogger();
    const said = (message: string) => lines().filter(({ msg }) => msg === message);
    openChain([gone.url, behind.url], { logger });
    await until(() => said('chain still away').length >= 2);
    expect(said('chain away, trying again').map(({ code }) => code)).toEqual([
      'CHAIN_UNREACHABLE',
      'CHAIN_NODE_BEHIND',
    ]);
  });

  it('a node that imports old blocks without announcing heads is behind', async () => {
    const devnet = await openDevnet();
    devnet.stopBlocks();
    devnet.setLag(3 * HOUR_MS);
    const chain = openChain([devnet.url]);
    await until(() => isDown(chain));
    expect(chain.status().connection).toMatchObject(BEHIND);
    devnet.resumeBlocks();
    devnet.setLag(0);
    await until(() => isConnected(chain));
  });

  it('a node with only the first block has only begun to sync', async () => {
    const devnet = await openDevnet({ blockTimeMs: HOUR_MS });
    // The first block of a real chain has no time.
    const { url } = await openProxy(devnet.url, {
      answer: (method, [key]) => (devnet.blockNumber === 0 && asksTime(method, key) ? null : undefined),
    });
    const chain = openChain([url]);
    await until(() => isDown(chain));
    expect(chain.status().connection).toMatchObject({
      code: 'CHAIN_NODE_BEHIND',
      reason: expect.stringContaining('only begun to sync'),
    });
    devnet.produceBlock();
    await until(() => isConnected(chain));
  });

  it('a chain without block times is accepted', async () => {
    const devnet = await openLaggingDevnet();
    const { url } = await openProxy(devnet.url, {
      answer: (method, [key]) => (asksTime(method, key) ? null : undefined),
      ask: (method, params) => {
        if (method !== 'state_subscribeStorage' || !Array.isArray(params[0])) return params;
        return [params[0].filter((key) => key !== BLOCK_TIME_KEY)];
      },
    });
    const chain = openChain([url]);
    await until(() => chain.signersKnown && chain.registration.state === 'registered');
    const { block } = chain.status();
    await until(() => (chain.status().block ?? 0) > (block ?? 0) + 2);
    expect(chain.status()).toMatchObject({ connection: { state: 'connected' }, lastFailure: null });
  });
});

describe('a node that falls behind while it is in use', () => {
  it('a node that falls behind is left at its first old block, and nothing of that block is used', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    await until(() => chain.signersKnown && chain.registration.state === 'registered');
    const blockTimes: number[] = [];
    chain.on('blockTime', (timestampMs) => blockTimes.push(timestampMs));
    const registrations: string[] = [];
    chain.on('registration', ({ state }) => registrations.push(state));

    devnet.setLag(3 * HOUR_MS);
    devnet.deregister(bob);
    await until(() => isDown(chain));
    expect(chain.status().connection).toMatchObject(BEHIND);
    expect(chain.signer(bob)).toMatchObject({ uid: 1 });
    // Tried again meanwhile, and as old as before.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(isDown(chain)).toBe(true);
    expect(chain.registration).toMatchObject({ state: 'registered' });
    expect(registrations).toEqual([]);
    expect(blockTimes.every((timestampMs) => timestampMs > Date.now() - HOUR_MS)).toBe(true);

    devnet.setLag(0);
    await until(() => chain.registration.state === 'deregistered');
    expect(isConnected(chain)).toBe(true);
  });

  it('the next endpoint is used when a node falls behind', async () => {
    const [first, second] = [await openDevnet(), await openDevnet()];
    const chain = openChain([first.url, second.url]);
    await until(() => chain.signersKnown);
    first.setLag(3 * HOUR_MS);
    await until(() => {
      const { connection } = chain.status();
      return connection.state === 'connected' && connection.endpoint === second.url;
    });
  });
});

describe('a host whose clock is fast', () => {
  const LIMIT_MS = 5_000;

  function openFast(url: string, callersClockOffsetMs: () => number | undefined) {
    const clock = createMovableClock();
    clock.moveMs(7_000);
    return openChain([url], { clock, blockWatchdogMs: LIMIT_MS, callersClockOffsetMs });
  }

  it('a host with a fast clock finds every node behind, and the log names the clock', async () => {
    const chain = openFast((await openDevnet()).url, () => undefined);
    await until(() => isDown(chain));
    expect(chain.status().connection).toMatchObject({
      code: 'CHAIN_NODE_BEHIND',
      reason: expect.stringMatching(/^the node is \d+ seconds behind, or the clock of this host is fast/),
    });
  });

  it('a host with a fast clock uses a node once callers have shown the offset', async () => {
    let offsetMs: number | undefined;
    const chain = openFast((await openDevnet()).url, () => offsetMs);
    await until(() => isDown(chain));
    offsetMs = 6_900;
    await until(() => chain.signersKnown && chain.registration.state === 'registered');
  });
});
