import { describe, expect, it, vi } from 'vitest';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { BLOCK_TIME_MS, openDevnet } from '../../fixtures/devnet.ts';
import { bob } from '../../fixtures/keys.ts';
import { until } from '../../fixtures/until.ts';
import { openChain, openNode, openProxy } from '../fixture.ts';

const WATCHDOG_MS = 20 * BLOCK_TIME_MS;

describe('the connection', () => {
  it('a connection opens in the background and reports block, endpoint, genesis and runtime', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    await until(() => chain.status().connection.state === 'connected');
    expect(chain.status()).toMatchObject({
      connection: { endpoint: devnet.url, specVersion: expect.any(Number) },
      block: expect.any(Number),
      blockAgeMs: expect.any(Number),
    });
    expect(JSON.parse(JSON.stringify(chain.status()))).toEqual(
      expect.objectContaining({ lastFailure: null }),
    );
    const { block } = chain.status();
    await until(() => (chain.status().block ?? 0) > (block ?? 0));
  });

  it('an endpoint that is down at the start is logged once, and used when it comes up', async () => {
    const { url, port, close } = await openDevnet();
    await close();
    const { logger, lines } = createCapturingLogger();
    const said = (message: string) => lines().filter(({ msg }) => msg === message).length;
    const chain = openChain([url], { logger });
    await until(() => said('chain still away') > 0);
    expect(chain.status().connection).toMatchObject({ state: 'down', code: 'CHAIN_UNREACHABLE' });
    expect(said('chain away, trying again')).toBe(1);
    expect(chain.signersKnown).toBe(false);
    await chain.refreshSigners(1);

    await openDevnet({ port });
    await until(() => chain.signersKnown);
    expect(chain.status().connection.state).toBe('connected');
  });

  it('the signer table stays while a node is killed and comes back', async () => {
    const first = await openDevnet();
    const chain = openChain([first.url]);
    await until(() => chain.signersKnown && chain.registration.state === 'registered');
    const { state, port } = first;
    await first.close();
    await until(() => chain.status().connection.state === 'down');
    expect(chain.signer(bob)).toMatchObject({ uid: 1 });
    expect(chain.registration).toMatchObject({ state: 'registered', uid: 1 });

    const second = await openDevnet({ port, state });
    await until(() => chain.status().connection.state === 'connected');
    second.setPermit(bob, true);
    await until(() => chain.signer(bob)?.permit === true);
  });

  it('the connection is replaced when the node hangs', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url], { blockWatchdogMs: WATCHDOG_MS });
    await until(() => chain.signersKnown);
    devnet.stopAnswering();
    await until(() => chain.status().connection.state === 'down');
    expect(chain.status().lastFailure?.reason).toContain('no new block');
    expect(chain.signersKnown).toBe(true);
    devnet.resumeAnswering();
    await until(() => chain.status().connection.state === 'connected');
  });

  it('the next endpoint is used if the first does not answer', async () => {
    const dead = await openDevnet();
    await dead.close();
    const hanging = await openDevnet();
    hanging.stopAnswering();
    const alive = await openDevnet();
    const chain = openChain([dead.url, hanging.url, alive.url], { blockWatchdogMs: WATCHDOG_MS });
    await until(() => chain.signersKnown);
    expect(chain.status().connection).toMatchObject({ state: 'connected', endpoint: alive.url });
  });

  it('the next endpoint is used when the present one goes away', async () => {
    const first = await openDevnet();
    const second = await openDevnet();
    const chain = openChain([first.url, second.url]);
    await until(() => chain.signersKnown);
    await first.close();
    await until(() => {
      const { connection } = chain.status();
      return connection.state === 'connected' && connection.endpoint === second.url;
    });
  });

  it('a runtime upgrade replaces the connection and its metadata', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    await until(() => chain.signersKnown);
    devnet.upgradeRuntime(9_999);
    await until(() => chain.status().connection.state === 'down');
    expect(chain.status().lastFailure?.reason).toContain('9999');
    await until(() => chain.status().connection.state === 'connected');
    expect(chain.status().connection).toMatchObject({ specVersion: 9_999 });
  });

  it('a chain with another genesis is refused and not read', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url], { expectedGenesisHash: `0x${'2f'.repeat(32)}` });
    await until(() => chain.status().connection.state === 'down');
    expect(chain.status().connection).toMatchObject({ code: 'CHAIN_WRONG_NETWORK' });
    expect(chain.signersKnown).toBe(false);
    expect(chain.registration.state).toBe('unknown');
  });

  it('a refused genesis is refused, and the expected genesis is accepted', async () => {
    const devnet = await openDevnet();
    const expectedGenesisHash = devnet.state.genesis.hash;
    const refusing = openChain([devnet.url], {
      refuseGenesis: { [expectedGenesisHash]: 'it belongs to others' },
    });
    const accepting = openChain([devnet.url], { expectedGenesisHash });
    await until(() => accepting.signersKnown && refusing.status().connection.state === 'down');
    expect(refusing.status().connection).toMatchObject({ code: 'CHAIN_WRONG_NETWORK' });
  });

  it('a refused genesis is refused in capitals too', async () => {
    const devnet = await openDevnet();
    const { hash } = devnet.state.genesis;
    const shouting = await openProxy(devnet.url, {
      answer: (method, [block]) =>
        method === 'chain_getBlockHash' && block === 0 ? `0x${hash.slice(2).toUpperCase()}` : undefined,
    });
    const chain = openChain([shouting.url], { refuseGenesis: { [hash]: 'it belongs to others' } });
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure).toMatchObject({ code: 'CHAIN_ENDPOINT_UNTRUSTED' });
    expect(chain.signersKnown).toBe(false);
  });

  it('an endpoint that serves another chain is left for the next one', async () => {
    const asked: string[] = [];
    const other = await openNode(({ id, method }) => {
      asked.push(method);
      return { jsonrpc: '2.0', id, result: `0x${'2f'.repeat(32)}` };
    });
    const right = await openDevnet();
    const chain = openChain([other, right.url], { expectedGenesisHash: right.state.genesis.hash });
    await until(() => chain.signersKnown);
    expect(chain.status().connection).toMatchObject({ state: 'connected', endpoint: right.url });
    expect(asked).toEqual(['chain_getBlockHash']);
  });

  it('a node that answers errors is tried again', async () => {
    const busy = await openNode(({ id }) => ({
      jsonrpc: '2.0',
      id,
      error: { code: -32000, message: 'Too many requests' },
    }));
    const chain = openChain([busy]);
    await until(() => chain.status().connection.state === 'down');
    expect(chain.status().lastFailure).toMatchObject({
      code: 'CHAIN_CALL_FAILED',
      reason: 'Too many requests',
    });
  });

  it('the status shows no credentials, paths or queries of an endpoint', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url.replace('ws://', 'ws://user:secret@').concat('/ws/key?apikey=key')]);
    await until(() => chain.status().connection.state === 'connected');
    expect(JSON.stringify(chain.status())).not.toMatch(/secret|key\?|apikey/);
  });

  it('the chain survives listeners that throw', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    for (const name of ['connection', 'registration', 'announcement'] as const) {
      chain.on(name, () => {
        throw new Error('a fault of the listener');
      });
    }
    chain.announce({ ip: '8.8.8.8', port: 8091 });
    await until(() => chain.announcement.state === 'announced' && chain.signersKnown);
  });
});

describe('closing', () => {
  it('closing leaves no socket and no timer', async () => {
    const devnet = await openDevnet();
    const before = process.getActiveResourcesInfo().filter((name) => name !== 'TCPSocketWrap').length;
    const chain = openChain([devnet.url]);
    chain.announce({ ip: '8.8.8.8', port: 8091 });
    await until(() => chain.announcement.state === 'announced');
    await chain.close();
    await devnet.close();
    expect(chain.status().connection).toEqual({ state: 'closed' });
    await until(() => !process.getActiveResourcesInfo().includes('TCPSocketWrap'));
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
  });

  it('closing works while connecting, while down, and twice', async () => {
    const hanging = await openDevnet();
    hanging.stopAnswering();
    const connecting = openChain([hanging.url]);
    const down = openChain(['ws://127.0.0.1:1']);
    await until(() => down.status().connection.state === 'down');
    for (const chain of [connecting, down]) {
      await chain.close();
      await chain.close();
      expect(chain.status().connection).toEqual({ state: 'closed' });
    }
  });

  it('closing, or losing the node, with calls in flight leaves no stray rejection and prints nothing', async () => {
    const stray: unknown[] = [];
    const printed = (['log', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
    const onStray = (reason: unknown): void => {
      stray.push(reason);
    };
    process.on('unhandledRejection', onStray);
    process.on('uncaughtException', onStray);
    const keeper = await openDevnet();
    let { state } = keeper;
    const { port } = keeper;
    await keeper.close();
    // Killed at another moment of the connection's life each time: the hand-shake, the metadata, the first reads.
    for (let round = 0; round < 12; round += 1) {
      const devnet = await openDevnet({ port, state });
      const chain = openChain([devnet.url]);
      chain.announce({ ip: '8.8.8.8', port: 8000 + round });
      await new Promise((resolve) => setTimeout(resolve, round * 12));
      chain.refreshSigners(1_000);
      await devnet.close();
      await chain.close();
      ({ state } = devnet);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('unhandledRejection', onStray);
    process.off('uncaughtException', onStray);
    expect(stray).toEqual([]);
    for (const spy of printed) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });
});
