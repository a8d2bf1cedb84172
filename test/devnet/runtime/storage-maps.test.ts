import type { ApiPromise } from '@polkadot/api';
import { describe, expect, it } from 'vitest';
import { NETUID } from '../../fixtures/devnet.ts';
import { connect, openDevnet, post } from '../fixture.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const DAVE = '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy';

/** A map of the storage as clients read it whole: its keys page by page, then their values. */
async function entriesOf(
  api: ApiPromise,
  pallet: 'subtensorModule' | 'commitments',
  name: string,
  ...prefix: readonly unknown[]
): Promise<readonly (readonly [key: unknown, value: unknown])[]> {
  const entries = (await api.query[pallet]?.[name]?.entries(...prefix)) ?? [];
  return entries.map(([key, value]) => [key.args.at(-1)?.toJSON(), value.toJSON()]);
}

describe('the maps in the storage of the devnet', () => {
  it('storage maps of the devnet are read by their prefix', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    expect(await entriesOf(api, 'subtensorModule', 'networksAdded')).toEqual([[NETUID, true]]);
    const uids = await entriesOf(api, 'subtensorModule', 'uids', NETUID);
    expect(uids).toHaveLength(3);
    expect(uids).toContainEqual([ALICE, 0]);
    expect(await entriesOf(api, 'subtensorModule', 'uids', 1)).toEqual([]);
    expect(await entriesOf(api, 'subtensorModule', 'isNetworkMember', BOB)).toEqual([[NETUID, true]]);
    devnet.register(DAVE);
    expect(await entriesOf(api, 'subtensorModule', 'uids', NETUID)).toContainEqual([DAVE, 3]);
  });

  it('the storage and the metagraph of the devnet hold the symbol of the token', async () => {
    const api = await connect(await openDevnet());
    expect(await entriesOf(api, 'subtensorModule', 'tokenSymbol')).toEqual([[NETUID, '0xd799']]);
    const metagraph = await api.call.subnetInfoRuntimeApi?.getMetagraph?.(NETUID);
    expect(metagraph?.toJSON()).toMatchObject({ symbol: [0xd7, 0x99] });
  });

  it('storage maps of the devnet hold no commitments', async () => {
    const api = await connect(await openDevnet());
    expect(await entriesOf(api, 'commitments', 'commitmentOf', NETUID)).toEqual([]);
    expect(await entriesOf(api, 'commitments', 'revealedCommitments', NETUID)).toEqual([]);
  });

  it('storage maps of the devnet are read in pages, each after a given key', async () => {
    const devnet = await openDevnet();
    const prefix = (await connect(devnet)).query.subtensorModule?.uids?.keyPrefix(NETUID) ?? '';
    const whole = (await post(devnet, 'state_getKeysPaged', [prefix, 1000])) as string[];
    expect(whole).toHaveLength(3);
    expect(whole).toEqual([...whole].sort());
    const first = (await post(devnet, 'state_getKeysPaged', [prefix, 2, prefix])) as string[];
    const second = await post(devnet, 'state_getKeysPaged', [prefix, 2, first.at(-1)]);
    expect([first, second]).toEqual([whole.slice(0, 2), whole.slice(2)]);
    expect(await post(devnet, 'state_getKeysPaged', [prefix, 2, whole.at(-1)])).toEqual([]);
  });

  it('the devnet refuses a page of keys that a node would refuse', async () => {
    const devnet = await openDevnet();
    await expect(post(devnet, 'state_getKeysPaged', ['0x', 1001])).rejects.toThrow(/count exceeds maximum/);
    await expect(post(devnet, 'state_getKeysPaged', ['0x', -1])).rejects.toThrow(/whole number/);
    await expect(post(devnet, 'state_getKeysPaged', ['uids', 1])).rejects.toThrow(/hex/);
  });
});

describe('the stake of the devnet', () => {
  it('the stake of a hotkey of the devnet is with itself, as its own coldkey', async () => {
    const api = await connect(await openDevnet());
    const one = async (hotkey: string, coldkey: string, netuid = NETUID) =>
      (
        await api.call.stakeInfoRuntimeApi?.getStakeInfoForHotkeyColdkeyNetuid?.(hotkey, coldkey, netuid)
      )?.toJSON();
    expect(await one(ALICE, ALICE)).toMatchObject({
      hotkey: ALICE,
      netuid: NETUID,
      stake: 1_000_000_000_000_000,
      isRegistered: true,
    });
    expect(await one(ALICE, BOB)).toMatchObject({ coldkey: BOB, stake: 0, isRegistered: true });
    expect(await one(DAVE, DAVE)).toMatchObject({ stake: 0, isRegistered: false });
    expect(await one(ALICE, ALICE, 1)).toMatchObject({ netuid: 1, stake: 0, isRegistered: false });
  });

  it('the stake of the devnet is listed by coldkey', async () => {
    const api = await connect(await openDevnet());
    const all = async (coldkey: string) =>
      (await api.call.stakeInfoRuntimeApi?.getStakeInfoForColdkey?.(coldkey))?.toJSON();
    expect(await all(ALICE)).toMatchObject([{ hotkey: ALICE, stake: 1_000_000_000_000_000 }]);
    expect(await all(BOB)).toEqual([]);
    expect((await api.query.subtensorModule?.owner?.(BOB))?.toJSON()).toBe(BOB);
    expect((await api.query.subtensorModule?.ownedHotkeys?.(BOB))?.toJSON()).toEqual([BOB]);
  });
});
