import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { u8aConcat, u8aToHex } from '@polkadot/util';
import { xxhashAsU8a } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { openDevnet } from '../fixtures/devnet.ts';
import { bob, dave } from '../fixtures/keys.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { DISPATCH_ERRORS, openChain, openProxy } from './fixture.ts';

const ADDRESS = { ip: '8.8.8.8', port: 8091 };

const AXONS_PREFIX = u8aToHex(u8aConcat(xxhashAsU8a('SubtensorModule', 128), xxhashAsU8a('Axons', 128)));
const isAxonRead = (method: string, [keys]: readonly unknown[]) =>
  method === 'state_queryStorageAt' && String(keys).startsWith(AXONS_PREFIX);

/** Hands an extrinsic to a node; resolves with its answer. */
async function submit(url: string, params: readonly unknown[]): Promise<void> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'author_submitExtrinsic', params }));
  await once(socket, 'message');
  socket.close();
}

describe('announcing', () => {
  it('an announcement stores the address as validators expect it', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
    const entry = devnet.axonOf(bob);
    expect(entry).toMatchObject({
      version: 9_003_000,
      ip: 0x08080808n,
      port: 8091,
      ipType: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    });
    expect(chain.announcement).toMatchObject({ state: 'announced', ...ADDRESS, block: entry?.block });
  });

  it('an announcement is read back until its block is final', async () => {
    const devnet = await openDevnet({ blockTimeMs: 60_000 });
    const chain = openChain([devnet.url]);
    await until(() => chain.registration.state === 'registered');
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'submitted');
    await until(() => {
      devnet.produceBlock();
      return devnet.axonOf(bob) !== undefined;
    });
    await until(() => chain.announcement.state === 'announced');
    expect(chain.announcement).toMatchObject({ finalized: false });
    devnet.produceBlock();
    await until(() => chain.announcement.state === 'announced' && chain.announcement.finalized);
  });

  it('nothing is submitted if the chain already holds the address', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const first = openChain([devnet.url]);
    first.announce(ADDRESS);
    await until(() => first.announcement.state === 'announced');
    await first.close();
    const block = devnet.axonOf(bob)?.block;

    const second = openChain([devnet.url]);
    const states: string[] = [];
    second.on('announcement', ({ state }) => states.push(state));
    second.announce(ADDRESS);
    await until(() => second.announcement.state === 'announced');
    expect(states).not.toContain('submitted');
    expect(devnet.axonOf(bob)?.block).toBe(block);
  });

  it('a new address is announced in place of the old one', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
    chain.announce({ ip: '8.8.4.4', port: 9000 });
    await until(() => devnet.axonOf(bob)?.port === 9000);
    await until(() => chain.announcement.state === 'announced');
    expect(chain.announcement).toMatchObject({ ip: '8.8.4.4', port: 9000 });
  });

  it.each([
    [6, 'RateLimitExceeded'],
    [10, 'HotKeyNotRegisteredInNetwork'],
    [11, 'InvalidIpAddress'],
    [13, 'InvalidPort'],
    [255, 'BadRequest'],
  ])('names the refusal %i of the pool as %s, and tries again', async (code, refusal) => {
    const devnet = await openDevnet();
    devnet.refuseNext(code);
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'failed');
    expect(chain.announcement).toMatchObject({
      code: 'CHAIN_ANNOUNCE_REFUSED',
      refusal,
      reason: expect.any(String),
      retryAtMs: expect.any(Number),
    });
    await until(() => chain.announcement.state === 'announced');
  });

  it('a refusal by the chain names the refused address', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    chain.announce({ ip: '127.0.0.1', port: 8091 });
    await until(() => chain.announcement.state === 'failed');
    expect(chain.announcement).toMatchObject({ refusal: 'InvalidIpAddress' });
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
  });

  it.each(DISPATCH_ERRORS)(
    'names the error %s of an older runtime, which refuses in the block',
    async (name) => {
      const devnet = await openDevnet();
      devnet.failNext(name);
      const chain = openChain([devnet.url]);
      chain.announce(ADDRESS);
      await until(() => chain.announcement.state === 'failed');
      expect(chain.announcement).toMatchObject({
        code: 'CHAIN_ANNOUNCE_REFUSED',
        refusal: name,
        reason: expect.any(String),
      });
    },
  );

  it('an announcement that an older runtime refused in the block is tried again', async () => {
    const devnet = await openDevnet();
    devnet.failNext('InvalidIpAddress');
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'failed');
    await until(() => chain.announcement.state === 'announced');
  });

  it('an announcement waits exactly for the end of the serving rate limit', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 12 });
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
    const first = devnet.axonOf(bob)?.block ?? 0;
    const states: string[] = [];
    chain.on('announcement', ({ state }) => states.push(state));
    chain.announce({ ...ADDRESS, port: 9000 });
    await until(() => chain.announcement.state === 'waiting');
    expect(chain.announcement).toMatchObject({ untilBlock: first + 12, reason: expect.any(String) });
    await until(() => chain.announcement.state === 'announced');
    const second = devnet.axonOf(bob);
    expect(second?.port).toBe(9000);
    expect(second?.block).toBeGreaterThanOrEqual(first + 12);
    expect(states.filter((state) => state === 'waiting')).toHaveLength(1);
  });

  it('the entry is announced again when something else replaces it', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
    const rival = openChain([devnet.url]);
    rival.announce({ ...ADDRESS, port: 7000 });
    await until(() => devnet.axonOf(bob)?.port === 7000);
    await rival.close();
    await until(() => devnet.axonOf(bob)?.port === ADDRESS.port && chain.announcement.state === 'announced');
  });

  it('the status names the address of another host with the same hotkey while the rate limit blocks an announcement', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 1_000 });
    const rival = openChain([devnet.url]);
    rival.announce({ ip: '203.0.113.9', port: 7000 });
    await until(() => rival.announcement.state === 'announced');
    await rival.close();
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'waiting' && chain.announcement.untilBlock !== undefined);
    expect(chain.announcement).toMatchObject({ refusal: 'ServingRateLimitExceeded' });
    expect(chain.status().heldAddress).toMatchObject({
      ip: '203.0.113.9',
      port: 7000,
      leadsHere: false,
      isForeign: true,
    });
  });

  it('announcements pause for six hours after three foreign changes, also in a miner that was restarted', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const stateDir = temporaryFolderPath();
    const { logger, lines } = createCapturingLogger();
    const chain = openChain([devnet.url], { stateDir, logger });
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
    // As another host would, which takes no pause.
    for (const port of [7001, 7002, 7003]) {
      const rival = openChain([devnet.url]);
      rival.announce({ ip: '203.0.113.9', port });
      await until(() => rival.announcement.state === 'announced');
      await rival.close();
      if (port < 7003) await until(() => devnet.axonOf(bob)?.port === ADDRESS.port);
    }
    await until(() => chain.announcement.state === 'waiting' && chain.announcement.untilMs !== undefined);
    const { untilMs = 0 } = chain.announcement as { untilMs?: number };
    const pausedMs = untilMs - Date.now();
    expect(pausedMs).toBeGreaterThan(5.9 * 3_600_000);
    expect(pausedMs).toBeLessThanOrEqual(6 * 3_600_000);
    expect(chain.announcement).toMatchObject({ reason: expect.stringContaining('the same hotkey') });
    expect(lines().find(({ untilMs }) => untilMs !== undefined)).toMatchObject({
      level: 'error',
      code: 'CHAIN_HOTKEY_CONTESTED',
      other: '203.0.113.9:7003',
    });
    await chain.close();

    const restarted = openChain([devnet.url], { stateDir });
    restarted.announce(ADDRESS);
    await until(
      () => restarted.announcement.state === 'waiting' && restarted.announcement.untilMs === untilMs,
    );
    expect(devnet.axonOf(bob)?.port).toBe(7003);
  });

  it('an entry with a former address of the same miner is not foreign', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 1_000 });
    const stateDir = temporaryFolderPath();
    const before = openChain([devnet.url], { stateDir });
    before.announce(ADDRESS);
    await until(() => before.announcement.state === 'announced');
    await before.close();
    const chain = openChain([devnet.url], { stateDir });
    chain.announce({ ...ADDRESS, ip: '8.8.4.4' });
    await until(() => chain.announcement.state === 'waiting' && chain.announcement.untilBlock !== undefined);
    expect(chain.status().heldAddress).toMatchObject({ ip: '8.8.8.8', leadsHere: false, isForeign: false });
  });

  it('the entry on chain is read before the address of this host is known', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const stateDir = temporaryFolderPath();
    const before = openChain([devnet.url], { stateDir });
    expect(before.status().heldAddress).toBe('unread');
    await until(() => before.status().heldAddress === null);
    before.announce(ADDRESS);
    await until(() => before.announcement.state === 'announced');
    await before.close();

    const chain = openChain([devnet.url], { stateDir });
    const read = () => {
      const { heldAddress } = chain.status();
      return heldAddress === 'unread' ? undefined : heldAddress;
    };
    await until(() => read() !== undefined);
    expect(read()).toMatchObject({ ...ADDRESS, leadsHere: null, isForeign: false });
    expect(chain.announcement).toEqual({ state: 'idle' });
    // Whatever another host announces meanwhile is seen, too.
    const rival = openChain([devnet.url]);
    rival.announce({ ip: '203.0.113.9', port: 7000 });
    await until(() => read()?.port === 7000);
    expect(read()).toMatchObject({ ip: '203.0.113.9', leadsHere: null, isForeign: true });
  });

  it('an announcement whose block was missed counts as made once the chain holds it', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    // The node keeps the announcement, and the word that it is in a block is lost.
    let isLost = false;
    const { url } = await openProxy(devnet.url, {
      answer: (method, params) => {
        if (method !== 'author_submitAndWatchExtrinsic' || isLost) return undefined;
        isLost = true;
        void submit(devnet.url, params);
        return { unusable: true };
      },
    });
    const stateDir = temporaryFolderPath();
    const chain = openChain([url], { stateDir });
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
    expect(isLost).toBe(true);
    const memory = JSON.parse(readFileSync(join(stateDir, 'chain/announcements.json'), 'utf8'));
    expect(memory.announcedAtMs).toBeGreaterThan(Date.now() - 60_000);
  });

  it('the age of an announcement uses a clock that never jumps, and survives a time without readings', async () => {
    const devnet = await openDevnet();
    let monotonicMs = 0;
    const clock = { now: () => Date.now(), monotonic: () => monotonicMs };
    let isBroken = false;
    const { url } = await openProxy(devnet.url, {
      answer: (method, params) => (isBroken && isAxonRead(method, params) ? 'unusable' : undefined),
    });
    const chain = openChain([url], { clock });
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced' && chain.announcement.finalized);
    const { announcedForMs } = chain.status();
    expect(announcedForMs).toBe(0);
    monotonicMs = 3_600_000;
    isBroken = true;
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'failed');
    expect(chain.status()).toMatchObject({
      announcedForMs: null,
      heldAddress: { leadsHere: true, isForeign: false },
    });
    isBroken = false;
    await until(() => chain.announcement.state === 'announced');
    expect(chain.status().announcedForMs).toBe(3_600_000);
  });

  it.each(['10.1.2.3', '127.0.0.2', '100.64.1.1', '203.0.113.9'])(
    'of %s, which the internet cannot reach, is never signed for a public network',
    async (ip) => {
      const devnet = await openDevnet();
      const node = await openProxy(devnet.url);
      const chain = openChain([node.url], { isPublicNetwork: true });
      chain.announce({ ip, port: 8091 });
      await until(() => chain.announcement.state === 'failed');
      expect(chain.announcement).toMatchObject({ code: 'CONFIG_INVALID' });
      expect(node.methods()).not.toContain('author_submitAndWatchExtrinsic');
      expect(devnet.axonOf(bob)).toBeUndefined();
      chain.announce(ADDRESS);
      await until(() => chain.announcement.state === 'announced');
    },
  );

  it('a hotkey that is registered while the miner runs is announced within two blocks', async () => {
    const devnet = await openDevnet({ blockTimeMs: 2_000 });
    const chain = openChain([devnet.url], { key: 'Dave' });
    chain.announce(ADDRESS);
    await until(() => chain.registration.state !== 'unknown' && chain.announcement.state === 'waiting');
    expect(chain.registration).toEqual({ state: 'unregistered', burnTao: expect.any(Number) });
    expect(devnet.axonOf(dave)).toBeUndefined();

    devnet.register(dave);
    const registeredAt = devnet.blockNumber;
    await until(() => devnet.axonOf(dave) !== undefined);
    expect(devnet.axonOf(dave)?.block).toBeLessThanOrEqual(registeredAt + 2);
    await until(() => chain.announcement.state === 'announced');
    expect(chain.registration).toMatchObject({ state: 'registered', uid: 3, sinceBlock: registeredAt });
  });

  it('a hotkey that moves to another uid is announced again', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'announced');
    const states: string[] = [];
    chain.on('registration', ({ state }) => states.push(state));

    devnet.deregister(bob);
    await until(() => chain.registration.state === 'deregistered' && chain.announcement.state === 'waiting');
    devnet.register(dave);
    devnet.register(bob);
    await until(() => devnet.axonOf(bob) !== undefined && chain.announcement.state === 'announced');
    expect(chain.registration).toMatchObject({ state: 'registered', uid: 3 });
    expect(states).toEqual(['deregistered', 'registered']);
  });

  it('an announcement waits for a chain that goes away and comes back', async () => {
    const first = await openDevnet();
    const chain = openChain([first.url]);
    await until(() => chain.signersKnown);
    await first.close();
    await until(() => chain.status().connection.state === 'down');
    chain.announce(ADDRESS);
    await until(() => chain.announcement.state === 'waiting');
    const second = await openDevnet({ port: first.port, state: first.state });
    await until(() => chain.announcement.state === 'announced');
    expect(second.axonOf(bob)?.port).toBe(ADDRESS.port);
  });
});
