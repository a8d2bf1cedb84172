import { compactToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import type { Block, BlockEvent } from '../ledger/block-ledger.ts';
import { MAX_UIDS, type Subnet, type SubnetNeuron } from '../ledger/subnet.ts';
import type { RuntimeCodec } from './runtime-codec.ts';
import { STORAGE, type StorageEntry, storageKey } from './storage-layout.ts';

/** The state of blocks as a node shows it: encoded values under hashed keys. */
export interface Storage {
  /** The value (hex) under a key (hex) after the block; null if there is none. */
  read(block: Block, key: string): string | null;
  /** The keys (hex) after the block that begin with the prefix (hex), sorted. */
  keys(block: Block, prefix: string): readonly string[];
}

/** The price of a registration: 0.1 TAO. */
export const BURN_RAO = 100_000_000n;
export const TEMPO_BLOCKS = 360;
export const IMMUNITY_PERIOD_BLOCKS = 4096;
/** The letter yod in UTF-8: the symbol of subnet 34 on finney. */
export const TOKEN_SYMBOL = '0xd799';

/** A flag of every account under the newer rules for balances. */
const NEW_BALANCE_FLAG = 2n ** 127n;

/** Index and event type of the pallets that have events. */
const EVENT_PALLETS = {
  System: { index: 0, type: 'SystemEvent' },
  SubtensorModule: { index: 7, type: 'SubtensorEvent' },
} as const;

/**
 * A `Vec<EventRecord>`, encoded by hand: polkadot.js can decode events, but not encode them.
 * A record is the phase (0, then the position of the extrinsic), the event and an empty list of topics.
 */
function encodeEvents(codec: RuntimeCodec, events: readonly BlockEvent[]): Uint8Array {
  const records = events.map(({ extrinsic, pallet, event }) => {
    const { index, type } = EVENT_PALLETS[pallet];
    const position = codec.encode('u32', extrinsic);
    return u8aConcat([0], position, [index], codec.encode(type, event), [0]);
  });
  return u8aConcat(compactToU8a(records.length), ...records);
}

type SubtensorEntry = keyof typeof STORAGE.SubtensorModule;

export function createStorage(codec: RuntimeCodec): Storage {
  const subnetCache = new WeakMap<Subnet, ReadonlyMap<string, string>>();
  const blockCache = new WeakMap<Block, ReadonlyMap<string, string>>();

  function put(
    into: Map<string, string>,
    path: readonly [pallet: string, name: string],
    entry: StorageEntry,
    keyParts: readonly Uint8Array[],
    value: unknown,
  ): void {
    into.set(storageKey(...path, entry.hashers, keyParts), u8aToHex(codec.encode(entry.value, value)));
  }

  function ofSubnet(subnet: Subnet): ReadonlyMap<string, string> {
    const known = subnetCache.get(subnet);
    if (known !== undefined) return known;
    const values = new Map<string, string>();
    const netuid = codec.encode('u16', subnet.netuid);
    const setUnder = (name: SubtensorEntry, keyParts: readonly Uint8Array[], value: unknown) =>
      put(values, ['SubtensorModule', name], STORAGE.SubtensorModule[name], keyParts, value);
    const set = (name: SubtensorEntry, value: unknown, ...rest: readonly Uint8Array[]) =>
      setUnder(name, [netuid, ...rest], value);
    const { neurons } = subnet;
    const setColumn = (name: SubtensorEntry, pick: (neuron: SubnetNeuron) => unknown) =>
      set(name, neurons.map(pick));

    set('NetworksAdded', true);
    set('SubnetworkN', neurons.length);
    set('MaxAllowedUids', MAX_UIDS);
    set('Tempo', TEMPO_BLOCKS);
    set('ImmunityPeriod', IMMUNITY_PERIOD_BLOCKS);
    set('ServingRateLimit', subnet.servingRateLimitBlocks);
    set('WeightsVersionKey', subnet.weightsVersion);
    set('Burn', BURN_RAO);
    set('TokenSymbol', TOKEN_SYMBOL);
    setColumn('Active', () => true);
    setColumn('ValidatorPermit', ({ permit }) => permit);
    setColumn('LastUpdate', ({ registeredAtBlock }) => registeredAtBlock);
    for (const name of ['Incentive', 'Dividends', 'Emission'] as const) setColumn(name, () => 0);
    for (const [uid, neuron] of neurons.entries()) {
      const uidKey = codec.encode('u16', uid);
      const hotkey = codec.encode('AccountId', neuron.hotkey);
      set('Keys', neuron.hotkey, uidKey);
      set('BlockAtRegistration', neuron.registeredAtBlock, uidKey);
      set('Uids', uid, hotkey);
      if (neuron.axon !== undefined) set('Axons', neuron.axon, hotkey);
      setUnder('IsNetworkMember', [hotkey, netuid], true);
      // Each hotkey is its own coldkey here.
      setUnder('Owner', [hotkey], neuron.hotkey);
      setUnder('OwnedHotkeys', [hotkey], [neuron.hotkey]);
    }
    subnetCache.set(subnet, values);
    return values;
  }

  function ofBlock(block: Block): ReadonlyMap<string, string> {
    const known = blockCache.get(block);
    if (known !== undefined) return known;
    const values = new Map<string, string>();
    const { System, Timestamp } = STORAGE;
    put(values, ['System', 'Number'], System.Number, [], block.number);
    values.set(storageKey('System', 'Events'), u8aToHex(encodeEvents(codec, block.events)));
    put(values, ['Timestamp', 'Now'], Timestamp.Now, [], block.timestampMs);
    for (const [address, nonce] of block.nonces) {
      const account = { nonce, data: { flags: NEW_BALANCE_FLAG } };
      put(values, ['System', 'Account'], System.Account, [codec.encode('AccountId', address)], account);
    }
    blockCache.set(block, values);
    return values;
  }

  return {
    read: (block, key) => ofBlock(block).get(key) ?? ofSubnet(block.subnet).get(key) ?? null,
    keys: (block, prefix) =>
      [...ofBlock(block).keys(), ...ofSubnet(block.subnet).keys()]
        .filter((key) => key.startsWith(prefix))
        .sort(),
  };
}
