import type { ApiPromise } from '@polkadot/api';
import { describe, expect, it } from 'vitest';
import { NETUID } from '../../fixtures/devnet.ts';
import { developmentKey } from '../../fixtures/keys.ts';
import { connect, openDevnet, serveAxon, submit } from '../fixture.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const CHARLIE = '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y';
const DAVE = '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy';

async function query(api: ApiPromise, name: string, ...keys: readonly unknown[]): Promise<unknown> {
  const value = await api.query.subtensorModule?.[name]?.(...keys);
  return value?.toJSON();
}

/** A runtime call about the subnet; undefined if the metadata lack it. */
async function ask(
  api: ApiPromise,
  name: string,
  ...args: readonly unknown[]
): Promise<Record<string, unknown>> {
  const answer = await api.call.subnetInfoRuntimeApi?.[name]?.(...args);
  return answer?.toJSON() as Record<string, unknown>;
}

/** The same about neurons. */
async function askNeurons(api: ApiPromise, name: string, ...args: readonly unknown[]): Promise<unknown> {
  const answer = await api.call.neuronInfoRuntimeApi?.[name]?.(...args);
  return answer?.toJSON();
}

describe('the storage of the devnet', () => {
  it('the storage of the devnet holds the development keys by uid and by hotkey', async () => {
    const api = await connect(await openDevnet());
    expect(await query(api, 'subnetworkN', NETUID)).toBe(3);
    expect(await query(api, 'keys', NETUID, 0)).toBe(ALICE);
    expect(await query(api, 'uids', NETUID, BOB)).toBe(1);
    expect(await query(api, 'uids', NETUID, DAVE)).toBeNull();
    expect(await query(api, 'validatorPermit', NETUID)).toEqual([true, false, false]);
    expect(await query(api, 'incentive', NETUID)).toEqual([0, 0, 0]);
    expect(await query(api, 'emission', NETUID)).toEqual([0, 0, 0]);
    expect(await query(api, 'axons', NETUID, BOB)).toBeNull();
    expect(await query(api, 'blockAtRegistration', NETUID, 2)).toBe(0);
  });

  it('the storage of the devnet holds the rules of the subnet', async () => {
    const api = await connect(await openDevnet({ servingRateLimitBlocks: 7 }));
    expect(await query(api, 'servingRateLimit', NETUID)).toBe(7);
    expect(await query(api, 'burn', NETUID)).toBe(100_000_000);
    expect(await query(api, 'tempo', NETUID)).toBe(360);
    expect(await query(api, 'immunityPeriod', NETUID)).toBe(4096);
    expect(await query(api, 'mechanismCountCurrent', NETUID)).toBe(1);
  });

  it('the storage of the devnet has the defaults of finney for a subnet that it does not run', async () => {
    const api = await connect(await openDevnet());
    expect(await query(api, 'networksAdded', 1)).toBe(false);
    expect(await query(api, 'subnetworkN', 1)).toBe(0);
    expect(await query(api, 'uids', 1, BOB)).toBeNull();
    expect(await query(api, 'servingRateLimit', 1)).toBe(50);
    expect(await query(api, 'weightsVersionKey', 1)).toBe(0);
  });

  it('the storage of the devnet keeps the time of each block', async () => {
    const times = [1_700_000_000_000, 1_700_000_012_000, 1_700_000_024_000];
    const devnet = await openDevnet({ clock: { now: () => times.shift() ?? 0 } });
    const api = await connect(devnet);
    devnet.produceBlock();
    devnet.produceBlock();
    expect((await api.query.timestamp?.now?.())?.toJSON()).toBe(1_700_000_024_000);
    const earlier = await api.at(await api.rpc.chain.getBlockHash(1));
    expect((await earlier.query.timestamp?.now?.())?.toJSON()).toBe(1_700_000_012_000);
  });

  it('the storage of the devnet answers for an earlier block', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const before = await api.at(api.genesisHash);
    devnet.register(DAVE);
    expect(await query(api, 'uids', NETUID, DAVE)).toBe(3);
    expect((await before.query.subtensorModule?.uids?.(NETUID, DAVE))?.toJSON()).toBeNull();
  });

  it('the storage of the devnet counts the extrinsics of an account', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    await submit(devnet, serveAxon(api), developmentKey('Bob'));
    expect((await api.query.system?.account?.(BOB))?.toJSON()).toMatchObject({ nonce: 1, data: { free: 0 } });
    expect((await api.rpc.system.accountNextIndex(BOB)).toNumber()).toBe(1);
  });
});

describe('the metagraph of the devnet', () => {
  it('the metagraph of the devnet has the selected fields only', async () => {
    const api = await connect(await openDevnet());
    const metagraph = await ask(api, 'getSelectiveMetagraph', NETUID, [52, 57, 69]);
    const present = Object.entries(metagraph).filter(([, value]) => value !== null);
    expect(Object.fromEntries(present)).toEqual({
      netuid: NETUID,
      hotkeys: [ALICE, BOB, CHARLIE],
      validatorPermit: [true, false, false],
      totalStake: [1_000_000_000_000_000, 0, 100_000_000_000],
    });
  });

  it('the metagraph of the devnet has every field that a miner reads', async () => {
    const devnet = await openDevnet();
    devnet.produceBlock();
    const api = await connect(devnet);
    const indexes = [0, 7, 8, 30, 45, 52, 53, 55, 56, 57, 59, 60, 61, 62, 63, 66, 67, 68, 69];
    const metagraph = await ask(api, 'getSelectiveMetagraph', NETUID, indexes);
    const present = Object.keys(metagraph).filter((name) => metagraph[name] !== null);
    expect(present).toHaveLength(indexes.length);
    expect(metagraph).toMatchObject({ block: 1, tempo: 360, numUids: 3, servingRateLimit: 50 });
  });

  it('the metagraph of the devnet shows an announced axon, and zeros if there is none', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    await submit(devnet, serveAxon(api), developmentKey('Bob'));
    const { axons } = await ask(api, 'getSelectiveMetagraph', NETUID, [55]);
    expect(axons).toMatchObject([
      { port: 0 },
      { ip: 0x08080808, port: 8091, ipType: 4, block: 1 },
      { port: 0 },
    ]);
  });

  it('the metagraph of the devnet exists in the older form too', async () => {
    const api = await connect(await openDevnet());
    expect(await ask(api, 'getSubnetState', NETUID)).toMatchObject({
      netuid: NETUID,
      hotkeys: [ALICE, BOB, CHARLIE],
      validatorPermit: [true, false, false],
      totalStake: [1_000_000_000_000_000, 0, 100_000_000_000],
    });
  });

  it('the metagraph of the devnet has empty values for unknown fields', async () => {
    const api = await connect(await openDevnet());
    const metagraph = await ask(api, 'getSelectiveMetagraph', NETUID, [1, 4, 5, 21, 35, 65, 72]);
    const present = Object.entries(metagraph).filter(([, value]) => value !== null);
    expect(Object.fromEntries(present)).toEqual({
      netuid: NETUID,
      name: [],
      networkRegisteredAt: 0,
      ownerHotkey: '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM',
      movingPrice: { bits: 0 },
      powRegistrationAllowed: false,
      rank: [],
      validators: [],
    });
  });

  it('the whole metagraph of the devnet is there, and that of its one mechanism', async () => {
    const api = await connect(await openDevnet());
    const known = { netuid: NETUID, hotkeys: [ALICE, BOB, CHARLIE], validatorPermit: [true, false, false] };
    expect(await ask(api, 'getMetagraph', NETUID)).toMatchObject({ ...known, tempo: 360, numUids: 3 });
    expect(await ask(api, 'getSelectiveMechagraph', NETUID, 0, [52, 57])).toMatchObject(known);
    expect(await ask(api, 'getSelectiveMechagraph', NETUID, 1, [52, 57])).toBeNull();
  });

  it('the devnet has no metagraph of another subnet', async () => {
    const api = await connect(await openDevnet());
    expect(await ask(api, 'getSelectiveMetagraph', 1, [52])).toBeNull();
    expect(await ask(api, 'getSelectiveMechagraph', 1, 0, [52])).toBeNull();
    expect(await ask(api, 'getMetagraph', 1)).toBeNull();
    expect(await ask(api, 'getSubnetState', 1)).toBeNull();
    expect(await askNeurons(api, 'getNeuron', 1, 0)).toBeNull();
    expect(await askNeurons(api, 'getNeuronsLite', 1)).toEqual([]);
  });
});

describe('the neurons of the devnet', () => {
  it('the neurons of the devnet are described one by one, with their axon and stake', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    await submit(devnet, serveAxon(api), developmentKey('Bob'));
    const bob = {
      hotkey: BOB,
      uid: 1,
      netuid: NETUID,
      active: true,
      axonInfo: { ip: 0x08080808, port: 8091, block: 1 },
    };
    expect(await askNeurons(api, 'getNeuron', NETUID, 1)).toMatchObject({ ...bob, weights: [], bonds: [] });
    expect(await askNeurons(api, 'getNeuronLite', NETUID, 1)).toMatchObject(bob);
    expect(await askNeurons(api, 'getNeuron', NETUID, 0)).toMatchObject({
      hotkey: ALICE,
      axonInfo: { ip: 0, port: 0 },
      stake: [[ALICE, 1_000_000_000_000_000]],
      validatorPermit: true,
    });
  });

  it('the neurons of the devnet are listed by uid', async () => {
    const api = await connect(await openDevnet());
    for (const name of ['getNeurons', 'getNeuronsLite']) {
      const neurons = await askNeurons(api, name, NETUID);
      expect(neurons).toMatchObject([ALICE, BOB, CHARLIE].map((hotkey, uid) => ({ hotkey, uid })));
    }
  });

  it('the neurons of the devnet end with the last uid', async () => {
    const api = await connect(await openDevnet());
    expect(await askNeurons(api, 'getNeuron', NETUID, 3)).toBeNull();
    expect(await askNeurons(api, 'getNeuronLite', NETUID, 3)).toBeNull();
  });
});

describe('the blocks of the devnet', () => {
  it('the blocks of the devnet have the hashes that clients compute from the headers', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    devnet.produceBlock();
    devnet.produceBlock();
    for (const number of [0, 1, 2]) {
      const hash = await api.rpc.chain.getBlockHash(number);
      const header = await api.rpc.chain.getHeader(hash);
      expect(header.hash.toHex()).toBe(hash.toHex());
      expect(header.number.toNumber()).toBe(number);
    }
    const { block } = await api.rpc.chain.getBlock();
    expect(block.header.parentHash.toHex()).toBe((await api.rpc.chain.getBlockHash(1)).toHex());
    expect(block.extrinsics.map(({ method }) => `${method.section}.${method.method}`)).toEqual([
      'timestamp.set',
    ]);
  });

  it('a block of the devnet is final when the next block exists', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    devnet.produceBlock();
    expect((await api.rpc.chain.getFinalizedHead()).toHex()).toBe(api.genesisHash.toHex());
    devnet.produceBlock();
    expect((await api.rpc.chain.getFinalizedHead()).toHex()).toBe(
      (await api.rpc.chain.getBlockHash(1)).toHex(),
    );
  });

  it('the devnet makes blocks by a timer', async () => {
    const api = await connect(await openDevnet({ blockTimeMs: 20 }));
    const numbers = await new Promise<number[]>((resolve, reject) => {
      const seen: number[] = [];
      api.rpc.chain
        .subscribeNewHeads(({ number }) => {
          seen.push(number.toNumber());
          if (seen.length === 4) resolve(seen);
        })
        .catch(reject);
    });
    const [first = 0] = numbers;
    expect(numbers).toEqual([first, first + 1, first + 2, first + 3]);
  });
});
