import { encodeAddress } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { MAX_UIDS } from '../../../src/devnet/ledger/subnet.ts';
import { NETUID } from '../../fixtures/devnet.ts';
import { developmentKey } from '../../fixtures/keys.ts';
import { until } from '../../fixtures/until.ts';
import { connect, openDevnet, post, serveAxon, submit } from '../fixture.ts';

const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const DAVE = '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy';
const EVE = '5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw';

const HOUR_MS = 3_600_000;

interface State {
  readonly block: number;
  readonly timestampMs: number;
  readonly weightsVersion: number;
  readonly neurons: readonly Readonly<Record<string, unknown>>[];
}

async function stateOf(devnet: Awaited<ReturnType<typeof openDevnet>>): Promise<State> {
  return (await post(devnet, 'devnet_state')) as State;
}

describe('the control of the devnet', () => {
  it('the control of the devnet registers a hotkey with a stake and a permit', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    expect(devnet.register(DAVE, { stakeTao: 12.5, permit: true })).toBe(3);
    const answer = await api.call.subnetInfoRuntimeApi?.getSelectiveMetagraph?.(NETUID, [30, 52, 57, 66, 69]);
    const metagraph = answer?.toJSON() as Record<string, unknown[]>;
    expect(metagraph.numUids).toBe(4);
    expect(metagraph.hotkeys?.[3]).toBe(DAVE);
    expect(metagraph.validatorPermit?.[3]).toBe(true);
    expect(metagraph.blockAtRegistration?.[3]).toBe(1);
    expect(metagraph.totalStake?.[3]).toBe(12_500_000_000);
  });

  it('the control of the devnet lets a registered hotkey announce itself', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    devnet.register(DAVE);
    await submit(devnet, serveAxon(api), developmentKey('Dave'));
    expect(devnet.axonOf(DAVE)?.port).toBe(8091);
  });

  it('a deregistration on the devnet removes uid and axon, and notifies subscribers', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    await submit(devnet, serveAxon(api), developmentKey('Bob'));
    const { uids, axons, subnetworkN } = api.query.subtensorModule ?? {};
    if (uids === undefined || axons === undefined || subnetworkN === undefined)
      throw new Error('No such storage.');
    const seen: unknown[] = [];
    await api.queryMulti(
      [
        [uids, [NETUID, BOB]],
        [axons, [NETUID, BOB]],
        [subnetworkN, NETUID],
      ],
      ([uid, axon, count]) => {
        seen.push([uid?.toJSON(), axon?.isEmpty, count?.toJSON()]);
      },
    );
    devnet.deregister(BOB);
    await until(() => seen.length >= 2);
    expect(seen).toEqual([
      [1, false, 3],
      [null, true, 3],
    ]);
    expect(devnet.axonOf(BOB)).toBeUndefined();
  });

  it('a freed uid of the devnet goes to the next registration', async () => {
    const devnet = await openDevnet();
    devnet.deregister(BOB);
    expect(devnet.register(DAVE)).toBe(1);
    expect(devnet.register(BOB)).toBe(3);
    const hotkeys = (await stateOf(devnet)).neurons.map(({ hotkey }) => hotkey);
    expect(hotkeys.slice(1)).toEqual([DAVE, expect.any(String), BOB]);
  });

  it('every uid of the devnet always has a hotkey', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    devnet.deregister(BOB);
    const holder = (await api.query.subtensorModule?.keys?.(NETUID, 1))?.toJSON();
    expect(holder).not.toBe(BOB);
    expect((await api.query.subtensorModule?.uids?.(NETUID, holder))?.toJSON()).toBe(1);
  });

  it('storage and metagraph of the devnet show a new weights version', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const stored = async () => (await api.query.subtensorModule?.weightsVersionKey?.(NETUID))?.toJSON();
    expect(await stored()).toBe(303_010);
    devnet.setWeightsVersion(409_090);
    expect(await stored()).toBe(409_090);
    const answer = await api.call.subnetInfoRuntimeApi?.getMetagraph?.(NETUID);
    expect(answer?.toJSON()).toMatchObject({ weightsVersion: 409_090 });
  });

  it('the devnet makes blocks in the past until the lag ends', async () => {
    let nowMs = 1_700_000_000_000;
    const devnet = await openDevnet({ clock: { now: () => nowMs } });
    const headMs = async () => (await stateOf(devnet)).timestampMs;
    devnet.setLag(3 * HOUR_MS);
    expect(await headMs()).toBe(1_700_000_000_001 - 3 * HOUR_MS);
    nowMs += 12_000;
    devnet.produceBlock();
    expect(await headMs()).toBe(nowMs - 3 * HOUR_MS);
    devnet.setLag(HOUR_MS);
    expect(await headMs()).toBe(nowMs + 1 - HOUR_MS);
    devnet.setLag(0);
    expect(await headMs()).toBe(nowMs + 2);
  });

  it('the control of the devnet makes each change in a block of its own', async () => {
    const devnet = await openDevnet();
    devnet.setStake(BOB, 5);
    devnet.setPermit(BOB, true);
    devnet.produceBlock();
    expect(devnet.blockNumber).toBe(3);
    const { neurons } = await stateOf(devnet);
    expect(neurons[1]).toMatchObject({ hotkey: BOB, stakeTao: 5, permit: true });
  });

  it('the control of the devnet refuses impossible changes, and changes nothing', async () => {
    const devnet = await openDevnet();
    const wrong = expect.objectContaining({ code: 'DEVNET_INVALID_CONTROL' });
    expect(() => devnet.register(BOB)).toThrow(wrong);
    expect(() => devnet.register('5Nobody')).toThrow(wrong);
    expect(() => devnet.register(DAVE, { stakeTao: -1 })).toThrow(wrong);
    expect(() => devnet.register(DAVE, { stakeTao: Number.NaN })).toThrow(wrong);
    expect(() => devnet.deregister(DAVE)).toThrow(wrong);
    expect(() => devnet.setStake(DAVE, 1)).toThrow(wrong);
    expect(() => devnet.setWeightsVersion(-1)).toThrow(wrong);
    expect(() => devnet.setWeightsVersion(0.5)).toThrow(wrong);
    expect(() => devnet.setLag(-1)).toThrow(wrong);
    expect(() => devnet.setLag(366 * 24 * HOUR_MS)).toThrow(wrong);
    expect(() => devnet.setLag(Number.NaN)).toThrow(wrong);
    expect(() => devnet.refuseNext(256)).toThrow(wrong);
    expect(() => devnet.failNext('NoSuchError')).toThrow(wrong);
    expect(devnet.blockNumber).toBe(0);
  });

  it('the devnet has a highest uid', async () => {
    const neurons = Array.from({ length: MAX_UIDS }, (_, index) => ({
      hotkey: encodeAddress(new Uint8Array(32).fill(index), 42),
    }));
    const devnet = await openDevnet({ neurons });
    expect(() => devnet.register(BOB)).toThrow(expect.objectContaining({ code: 'DEVNET_INVALID_CONTROL' }));
    const api = await connect(devnet);
    const answer = await api.call.subnetInfoRuntimeApi?.getSelectiveMetagraph?.(NETUID, [52, 57, 69]);
    expect(answer?.toJSON()).toMatchObject({ hotkeys: neurons.map(({ hotkey }) => hotkey) });
  });
});

describe('the control calls of the devnet over HTTP', () => {
  it('devnet calls over HTTP change the chain', async () => {
    const devnet = await openDevnet();
    expect(await post(devnet, 'devnet_register', [DAVE, { stakeTao: 1 }])).toBe(3);
    expect(await post(devnet, 'devnet_register', [EVE])).toBe(4);
    await post(devnet, 'devnet_setStake', [DAVE, 2.25]);
    await post(devnet, 'devnet_setPermit', [DAVE, true]);
    await post(devnet, 'devnet_deregister', [EVE]);
    expect(await post(devnet, 'devnet_produceBlock')).toBe(6);
    await post(devnet, 'devnet_setWeightsVersion', [409_090]);
    const beforeMs = Date.now();
    await post(devnet, 'devnet_lag', [{ seconds: 7_200 }]);
    const { block, neurons, timestampMs, weightsVersion } = await stateOf(devnet);
    expect(block).toBe(8);
    expect(weightsVersion).toBe(409_090);
    expect(timestampMs).toBeGreaterThanOrEqual(beforeMs - 2 * HOUR_MS);
    expect(timestampMs).toBeLessThan(beforeMs - HOUR_MS);
    expect(neurons[3]).toEqual({
      uid: 3,
      hotkey: DAVE,
      stakeTao: 2.25,
      permit: true,
      registeredAtBlock: 1,
      standIn: false,
      axon: null,
    });
    expect(neurons[4]).toMatchObject({ standIn: true });
  });

  it('devnet calls over HTTP show axons with readable addresses', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    await submit(devnet, serveAxon(api), developmentKey('Bob'));
    const ip = 0x20010db8000000000000000000000001n;
    await submit(devnet, serveAxon(api, { ip, ipType: 6 }), developmentKey('Charlie'));
    const { neurons } = await stateOf(devnet);
    expect(neurons[1]?.axon).toMatchObject({ ip: '8.8.8.8', port: 8091, version: 10_002_000, block: 1 });
    expect(neurons[2]?.axon).toMatchObject({ ip: '2001:db8:0:0:0:0:0:1' });
  });

  it('devnet calls over HTTP refuse the next submission', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    await post(devnet, 'devnet_refuseNext', [6]);
    const sent = submit(devnet, serveAxon(api), developmentKey('Bob'));
    await expect(sent).rejects.toMatchObject({ code: 1010, data: 'Custom error: 6' });
  });

  it.each<[string, readonly unknown[]]>([
    ['devnet_register', []],
    ['devnet_register', ['5Nobody']],
    ['devnet_register', [BOB]],
    ['devnet_register', [DAVE, { stakeTao: 'much' }]],
    ['devnet_register', [DAVE, { stake: 1 }]],
    ['devnet_deregister', [DAVE]],
    ['devnet_setStake', [BOB, -1]],
    ['devnet_setPermit', [BOB, 'yes']],
    ['devnet_setWeightsVersion', ['3.3.1']],
    ['devnet_lag', []],
    ['devnet_lag', [{ seconds: -1 }]],
    ['devnet_lag', [{ hours: 1 }]],
    ['devnet_stopAnswering', []],
    ['devnet_stopAnswering', [{ seconds: 0 }]],
    ['devnet_state', [1]],
  ])('devnet calls over HTTP answer %s with %j as wrong parameters', async (method, params) => {
    const devnet = await openDevnet();
    await expect(post(devnet, method, params)).rejects.toMatchObject({
      code: -32602,
      message: expect.stringMatching(/\w/),
    });
    expect(devnet.blockNumber).toBe(0);
  });
});

describe('the faults of the devnet', () => {
  it('the devnet can be another chain', async () => {
    const [one, same, other] = [
      await openDevnet(),
      await openDevnet(),
      await openDevnet({ chainName: 'another chain' }),
    ];
    expect(same.state.genesis.hash).toBe(one.state.genesis.hash);
    expect(other.state.genesis.hash).not.toBe(one.state.genesis.hash);
    expect(await post(other, 'chain_getBlockHash', [0])).toBe(other.state.genesis.hash);
  });

  it('the devnet can stop making blocks while it answers calls', async () => {
    const devnet = await openDevnet({ blockTimeMs: 20 });
    await until(() => devnet.blockNumber > 1);
    devnet.stopBlocks();
    const block = devnet.blockNumber;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await stateOf(devnet)).block).toBe(block);
    devnet.resumeBlocks();
    await until(() => devnet.blockNumber > block);
  });

  it('the devnet drops connections and takes new ones', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const lost = new Promise((resolve) => api.once('disconnected', resolve));
    await post(devnet, 'devnet_dropConnections', []);
    await lost;
    expect((await connect(devnet)).isConnected).toBe(true);
  });

  it('after an upgrade the devnet refuses extrinsics signed for the old runtime', async () => {
    const devnet = await openDevnet();
    const before = await connect(devnet);
    const bob = developmentKey('Bob');
    const signedBefore = (await serveAxon(before).signAsync(bob)).toHex();
    await post(devnet, 'devnet_upgradeRuntime', [425]);
    expect(await post(devnet, 'state_getRuntimeVersion')).toMatchObject({ specVersion: 425 });
    await expect(post(devnet, 'author_submitExtrinsic', [signedBefore])).rejects.toThrow();
    const after = await connect(devnet);
    expect(serveAxon(after).method.toHex().slice(0, 6)).toBe('0x0704');
    await submit(devnet, serveAxon(after), bob);
    expect(devnet.axonOf(BOB)?.port).toBe(8091);
    await expect(post(devnet, 'devnet_upgradeRuntime', [425])).rejects.toThrow('above 425');
  });

  it('the devnet gives the uid of one hotkey to another in one block', async () => {
    const devnet = await openDevnet();
    const block = devnet.blockNumber;
    await post(devnet, 'devnet_evict', [BOB, DAVE]);
    expect(devnet.blockNumber).toBe(block + 1);
    const { neurons } = await stateOf(devnet);
    expect(neurons.map(({ hotkey }) => hotkey)).not.toContain(BOB);
    expect(neurons[1]).toMatchObject({ hotkey: DAVE, standIn: false, registeredAtBlock: block + 1 });
  });
});
