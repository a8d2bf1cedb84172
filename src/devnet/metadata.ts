import { TypeRegistry } from '@polkadot/types';
import { u8aConcat } from '@polkadot/util';
import { STORAGE, type StorageEntry } from './storage-layout.ts';
import type { TypeTable } from './type-table.ts';

/** `meta`, then the version of the format. */
const MAGIC_V15 = Uint8Array.of(0x6d, 0x65, 0x74, 0x61, 15);

/** The parts of the format in their order; `MetadataV15` itself is a type that can only be decoded. */
const METADATA_V15 =
  '(Vec<PortableType>, Vec<PalletMetadataV15>, ExtrinsicMetadataV15, SiLookupTypeId, Vec<RuntimeApiMetadataV15>, OuterEnums15, CustomMetadata15)';

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

/** Indexes, constants and types as on finney (spec 424), for the part of it that a miner meets. */
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
};

/** In the order in which they are encoded; each with the type of what it adds to the signed payload only. */
const SIGNED_EXTENSIONS: readonly (readonly [name: string, additionalSigned: string])[] = [
  ['CheckNonZeroSender', '()'],
  ['CheckSpecVersion', 'u32'],
  ['CheckTxVersion', 'u32'],
  ['CheckGenesis', 'H256'],
  ['CheckMortality', 'H256'],
  ['CheckNonce', '()'],
  ['CheckWeight', '()'],
  ['ChargeTransactionPayment', '()'],
  ['SudoTransactionExtension', '()'],
  ['CheckShieldedTxValidity', '()'],
  ['SubtensorTransactionExtension', '()'],
  ['DrandPriority', '()'],
  ['CheckMetadataHash', 'Option<[u8; 32]>'],
];

interface ApiMethod {
  readonly inputs: Readonly<Record<string, string>>;
  readonly output: string;
}

const RUNTIME_APIS: Readonly<Record<string, Readonly<Record<string, ApiMethod>>>> = {
  Metadata: {
    metadata_at_version: { inputs: { version: 'u32' }, output: 'Option<OpaqueMetadata>' },
    metadata_versions: { inputs: {}, output: 'Vec<u32>' },
  },
  AccountNonceApi: { account_nonce: { inputs: { account: 'AccountId' }, output: 'u32' } },
  SubnetInfoRuntimeApi: {
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

/** The metadata of the development chain in format V15, as a node hands it out: about 16 kB. */
export function encodeMetadata(types: TypeTable): Uint8Array {
  const pallets = Object.entries(PALLETS).map((pallet) => describePallet(pallet, types));
  const extrinsic = {
    version: 4,
    addressType: types.idOf('Address'),
    callType: types.idOf('RuntimeCall'),
    signatureType: types.idOf('Signature'),
    extraType: types.idOf(`(${SIGNED_EXTENSIONS.map(([name]) => name).join(', ')})`),
    signedExtensions: SIGNED_EXTENSIONS.map(([identifier, additionalSigned]) => ({
      identifier,
      type: types.idOf(identifier),
      additionalSigned: types.idOf(additionalSigned),
    })),
  };
  // Nothing refers to it, but clients look for it.
  types.idOf('UncheckedExtrinsic');
  const runtime = types.idOf('Runtime');
  const apis = Object.entries(RUNTIME_APIS).map((api) => describeApi(api, types));
  const outerEnums = {
    callType: types.idOf('RuntimeCall'),
    eventType: types.idOf('RuntimeEvent'),
    errorType: types.idOf('RuntimeError'),
  };
  // The table of types comes first, but is complete only once all else has been described.
  const parts = [types.types(), pallets, extrinsic, runtime, apis, outerEnums, new Map()];
  return u8aConcat(MAGIC_V15, new TypeRegistry().createTypeUnsafe(METADATA_V15, [parts]).toU8a());
}
