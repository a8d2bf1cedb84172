import { TypeRegistry } from '@polkadot/types';
import { u8aConcat } from '@polkadot/util';
import { SIGNED_EXTENSIONS, SIGNED_EXTRA } from './frame-types.ts';
import { STORAGE, type StorageEntry } from './storage-layout.ts';
import type { TypeTable } from './type-table.ts';

/** Precedes the version of the format. */
const MAGIC = new TextEncoder().encode('meta');

/** The parts of each format, in order. Polkadot.js can only decode `MetadataV14` and `MetadataV15` themselves. */
const METADATA_V14 = '(Vec<PortableType>, Vec<PalletMetadataV14>, ExtrinsicMetadataV14, SiLookupTypeId)';
const METADATA_V15 =
  '(Vec<PortableType>, Vec<PalletMetadataV15>, ExtrinsicMetadataV15, SiLookupTypeId, Vec<RuntimeApiMetadataV15>, OuterEnums15, CustomMetadata15)';

/**
 * The metadata of the development chain, about 20 kB in each format. `state_getMetadata` answers V14, as on every node;
 * V14 lacks the runtime calls, and V15 has them.
 */
export interface EncodedMetadata {
  readonly v14: Uint8Array;
  readonly v15: Uint8Array;
}

interface Constant {
  readonly type: string;
  /** Hex of the SCALE value. */
  readonly value: string;
}

interface Pallet {
  readonly index: number;
  readonly storage?: Readonly<Record<string, StorageEntry>>;
  readonly calls?: string;
  readonly events?: string;
  readonly errors?: string;
  readonly constants?: Readonly<Record<string, Constant>>;
}

/** Indexes, constants and types as on finney (spec 424), for the part that a miner uses. */
const PALLETS: Readonly<Record<string, Pallet>> = {
  System: {
    index: 0,
    storage: STORAGE.System,
    events: 'SystemEvent',
    constants: {
      BlockHashCount: { type: 'u32', value: '0x60090000' },
      SS58Prefix: { type: 'u16', value: '0x2a00' },
    },
  },
  Timestamp: {
    index: 2,
    storage: STORAGE.Timestamp,
    calls: 'TimestampCall',
    constants: { MinimumPeriod: { type: 'u64', value: '0x7017000000000000' } },
  },
  Aura: { index: 3, constants: { SlotDuration: { type: 'u64', value: '0xe02e000000000000' } } },
  SubtensorModule: {
    index: 7,
    storage: STORAGE.SubtensorModule,
    calls: 'SubtensorCall',
    events: 'SubtensorEvent',
    errors: 'SubtensorError',
  },
  Commitments: { index: 18, storage: STORAGE.Commitments },
};

interface ApiMethod {
  readonly inputs: Readonly<Record<string, string>>;
  readonly output: string;
}

const RUNTIME_APIS: Readonly<Record<string, Readonly<Record<string, ApiMethod>>>> = {
  Metadata: {
    metadata_at_version: { inputs: { version: 'u32' }, output: 'Option<OpaqueMetadata>' },
    metadata_versions: { inputs: {}, output: 'Vec<u32>' },
  },
  NeuronInfoRuntimeApi: {
    get_neurons: { inputs: { netuid: 'u16' }, output: 'Vec<NeuronInfo>' },
    get_neuron: { inputs: { netuid: 'u16', uid: 'u16' }, output: 'Option<NeuronInfo>' },
    get_neurons_lite: { inputs: { netuid: 'u16' }, output: 'Vec<NeuronInfoLite>' },
    get_neuron_lite: { inputs: { netuid: 'u16', uid: 'u16' }, output: 'Option<NeuronInfoLite>' },
  },
  StakeInfoRuntimeApi: {
    get_stake_info_for_coldkey: { inputs: { coldkey_account: 'AccountId' }, output: 'Vec<StakeInfo>' },
    get_stake_info_for_hotkey_coldkey_netuid: {
      inputs: { hotkey_account: 'AccountId', coldkey_account: 'AccountId', netuid: 'u16' },
      output: 'Option<StakeInfo>',
    },
  },
  AccountNonceApi: { account_nonce: { inputs: { account: 'AccountId' }, output: 'u32' } },
  SubnetInfoRuntimeApi: {
    get_metagraph: { inputs: { netuid: 'u16' }, output: 'Option<Metagraph>' },
    get_selective_mechagraph: {
      inputs: { netuid: 'u16', subid: 'u8', metagraph_indexes: 'Vec<u16>' },
      output: 'Option<SelectiveMetagraph>',
    },
    get_subnet_state: { inputs: { netuid: 'u16' }, output: 'Option<SubnetState>' },
    get_selective_metagraph: {
      inputs: { netuid: 'u16', metagraph_indexes: 'Vec<u16>' },
      output: 'Option<SelectiveMetagraph>',
    },
  },
};

function describeStorage(pallet: string, entries: Readonly<Record<string, StorageEntry>>, types: TypeTable) {
  const items = Object.entries(entries).map(([name, { key, hashers, value, fallback }]) => ({
    name,
    modifier: fallback === undefined ? 'Optional' : 'Default',
    type:
      key === undefined
        ? { Plain: types.idOf(value) }
        : { Map: { hashers, key: types.idOf(key), value: types.idOf(value) } },
    fallback: fallback ?? '0x00',
  }));
  return { prefix: pallet, items };
}

function describePallet([name, pallet]: [string, Pallet], types: TypeTable) {
  const reference = (expression: string | undefined) =>
    expression === undefined ? null : { type: types.idOf(expression) };
  return {
    name,
    index: pallet.index,
    storage: pallet.storage === undefined ? null : describeStorage(name, pallet.storage, types),
    calls: reference(pallet.calls),
    events: reference(pallet.events),
    errors: reference(pallet.errors),
    constants: Object.entries(pallet.constants ?? {}).map(([constant, { type, value }]) => ({
      name: constant,
      type: types.idOf(type),
      value,
    })),
  };
}

function describeApi([name, methods]: [string, Readonly<Record<string, ApiMethod>>], types: TypeTable) {
  return {
    name,
    methods: Object.entries(methods).map(([method, { inputs, output }]) => ({
      name: method,
      inputs: Object.entries(inputs).map(([input, type]) => ({ name: input, type: types.idOf(type) })),
      output: types.idOf(output),
    })),
  };
}

export function encodeMetadata(types: TypeTable): EncodedMetadata {
  const pallets = Object.entries(PALLETS).map((pallet) => describePallet(pallet, types));
  const signedExtensions = SIGNED_EXTENSIONS.map(([identifier, additionalSigned]) => ({
    identifier,
    type: types.idOf(identifier),
    additionalSigned: types.idOf(additionalSigned),
  }));
  const extrinsicV14 = { type: types.idOf('UncheckedExtrinsic'), version: 4, signedExtensions };
  const extrinsicV15 = {
    version: 4,
    addressType: types.idOf('Address'),
    callType: types.idOf('RuntimeCall'),
    signatureType: types.idOf('Signature'),
    extraType: types.idOf(SIGNED_EXTRA),
    signedExtensions,
  };
  const runtime = types.idOf('Runtime');
  const apis = Object.entries(RUNTIME_APIS).map((api) => describeApi(api, types));
  const outerEnums = {
    callType: types.idOf('RuntimeCall'),
    eventType: types.idOf('RuntimeEvent'),
    errorType: types.idOf('RuntimeError'),
  };
  // The table of types comes first, but it is complete only after everything else is described.
  const table = types.types();
  const encode = (version: number, format: string, parts: readonly unknown[]) =>
    u8aConcat(MAGIC, [version], new TypeRegistry().createTypeUnsafe(format, [parts]).toU8a());
  return {
    v14: encode(14, METADATA_V14, [table, pallets, extrinsicV14, runtime]),
    v15: encode(15, METADATA_V15, [table, pallets, extrinsicV15, runtime, apis, outerEnums, new Map()]),
  };
}
