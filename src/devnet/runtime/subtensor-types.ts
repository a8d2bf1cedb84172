import type { Runtime } from './runtime-version.ts';
import type { TypeDefinition } from './type-table.ts';

/** The fields of an announcement. */
const AXON_FIELDS = {
  version: 'u32',
  ip: 'u128',
  port: 'u16',
  ip_type: 'u8',
  protocol: 'u8',
  placeholder1: 'u8',
  placeholder2: 'u8',
};

/** The types of the subnet pallet's storage, events and errors, numbered as on finney (spec 424). */
export const SUBTENSOR_TYPES: Readonly<Record<string, TypeDefinition>> = {
  AxonInfo: {
    path: 'pallet_subtensor::pallet::AxonInfo',
    fields: { block: 'u64', ...AXON_FIELDS },
  },
  SubtensorEvent: {
    path: 'pallet_subtensor::pallet::Event',
    variants: {
      NeuronRegistered: { index: 6, fields: ['u16', 'u16', 'AccountId'] },
      AxonServed: { index: 28, fields: ['u16', 'AccountId'] },
    },
  },
  SubtensorError: {
    path: 'pallet_subtensor::pallet::Error',
    variants: {
      InvalidIpType: { index: 1 },
      InvalidIpAddress: { index: 2 },
      InvalidPort: { index: 3 },
      HotKeyNotRegisteredInSubNet: { index: 4 },
      HotKeyNotRegisteredInNetwork: { index: 6 },
      ServingRateLimitExceeded: { index: 31 },
      TxRateLimitExceeded: { index: 64 },
      SubnetNotExists: { index: 76 },
    },
  },
  TimestampCall: {
    path: 'pallet_timestamp::pallet::Call',
    variants: { set: { index: 0, fields: { now: 'Compact<u64>' } } },
  },
  RuntimeCall: {
    path: 'node_subtensor_runtime::RuntimeCall',
    variants: {
      Timestamp: { index: 2, fields: ['TimestampCall'] },
      SubtensorModule: { index: 7, fields: ['SubtensorCall'] },
    },
  },
  RuntimeEvent: {
    path: 'node_subtensor_runtime::RuntimeEvent',
    variants: {
      System: { index: 0, fields: ['SystemEvent'] },
      SubtensorModule: { index: 7, fields: ['SubtensorEvent'] },
    },
  },
  RuntimeError: {
    path: 'node_subtensor_runtime::RuntimeError',
    variants: { SubtensorModule: { index: 7, fields: ['SubtensorError'] } },
  },
};

/** The same types and the calls of a runtime. */
export function subtensorTypes({ serveAxonIndex }: Runtime): Readonly<Record<string, TypeDefinition>> {
  const variants = { serve_axon: { index: serveAxonIndex, fields: { netuid: 'u16', ...AXON_FIELDS } } };
  return { ...SUBTENSOR_TYPES, SubtensorCall: { path: 'pallet_subtensor::pallet::Call', variants } };
}
