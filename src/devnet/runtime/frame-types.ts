import type { TypeDefinition, Variant } from './type-table.ts';

/** Cases without fields, numbered from 0. */
function cases(...names: readonly string[]): Record<string, Variant> {
  return Object.fromEntries(names.map((name, index) => [name, { index }]));
}

/** `Immortal`, then one case for each first byte of a mortal era, whose second byte follows. */
function eraCases(): Record<string, Variant> {
  const mortal = Array.from({ length: 255 }, (_, index) => [
    `Mortal${index + 1}`,
    { index: index + 1, fields: ['u8'] },
  ]);
  return { Immortal: { index: 0 }, ...Object.fromEntries(mortal) };
}

/** In the order of their encoding, each with the type of its part that is signed but not sent. */
export const SIGNED_EXTENSIONS: readonly (readonly [name: string, additionalSigned: string])[] = [
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

/** The parts of all of them in an extrinsic. */
export const SIGNED_EXTRA = `(${SIGNED_EXTENSIONS.map(([name]) => name).join(', ')})`;

const PRIMITIVE_TYPES: Record<string, TypeDefinition> = {
  AccountId: { path: 'sp_core::crypto::AccountId32', fields: ['[u8; 32]'] },
  H256: { path: 'primitive_types::H256', fields: ['[u8; 32]'] },
  Era: { path: 'sp_runtime::generic::era::Era', variants: eraCases() },
  Address: {
    path: 'sp_runtime::multiaddress::MultiAddress',
    params: { AccountId: 'AccountId', AccountIndex: '()' },
    variants: {
      Id: { index: 0, fields: ['AccountId'] },
      Index: { index: 1, fields: ['Compact<()>'] },
      Raw: { index: 2, fields: ['Vec<u8>'] },
      Address32: { index: 3, fields: ['[u8; 32]'] },
      Address20: { index: 4, fields: ['[u8; 20]'] },
    },
  },
  Signature: {
    path: 'sp_runtime::MultiSignature',
    variants: {
      Ed25519: { index: 0, fields: ['[u8; 64]'] },
      Sr25519: { index: 1, fields: ['[u8; 64]'] },
      Ecdsa: { index: 2, fields: ['[u8; 65]'] },
    },
  },
  /** Clients find the types of addresses, calls and signatures by the parameters of this one. */
  UncheckedExtrinsic: {
    path: 'sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic',
    params: { Address: 'Address', Call: 'RuntimeCall', Signature: 'Signature', Extra: SIGNED_EXTRA },
    fields: ['Vec<u8>'],
  },
  OpaqueMetadata: { path: 'sp_core::OpaqueMetadata', fields: ['Vec<u8>'] },
  Runtime: { path: 'node_subtensor_runtime::Runtime', fields: [] },
};

const EXTENSION_TYPES: Record<string, TypeDefinition> = {
  CheckNonZeroSender: {
    path: 'frame_system::extensions::check_non_zero_sender::CheckNonZeroSender',
    fields: [],
  },
  CheckSpecVersion: { path: 'frame_system::extensions::check_spec_version::CheckSpecVersion', fields: [] },
  CheckTxVersion: { path: 'frame_system::extensions::check_tx_version::CheckTxVersion', fields: [] },
  CheckGenesis: { path: 'frame_system::extensions::check_genesis::CheckGenesis', fields: [] },
  CheckMortality: { path: 'node_subtensor_runtime::check_mortality::CheckMortality', fields: ['Era'] },
  CheckNonce: { path: 'node_subtensor_runtime::check_nonce::CheckNonce', fields: ['Compact<u32>'] },
  CheckWeight: { path: 'frame_system::extensions::check_weight::CheckWeight', fields: [] },
  ChargeTransactionPayment: {
    path: 'pallet_transaction_payment::ChargeTransactionPayment',
    fields: ['Compact<u64>'],
  },
  SudoTransactionExtension: {
    path: 'node_subtensor_runtime::sudo_wrapper::SudoTransactionExtension',
    fields: [],
  },
  CheckShieldedTxValidity: { path: 'pallet_shield::extension::CheckShieldedTxValidity', fields: [] },
  SubtensorTransactionExtension: {
    path: 'pallet_subtensor::extensions::subtensor::SubtensorTransactionExtension',
    fields: [],
  },
  DrandPriority: { path: 'pallet_drand::drand_priority::DrandPriority', fields: [] },
  CheckMetadataHash: {
    path: 'frame_metadata_hash_extension::CheckMetadataHash',
    fields: { mode: 'MetadataHashMode' },
  },
  MetadataHashMode: { path: 'frame_metadata_hash_extension::Mode', variants: cases('Disabled', 'Enabled') },
};

const SYSTEM_TYPES: Record<string, TypeDefinition> = {
  AccountInfo: {
    path: 'frame_system::AccountInfo',
    fields: { nonce: 'u32', consumers: 'u32', providers: 'u32', sufficients: 'u32', data: 'AccountData' },
  },
  AccountData: {
    path: 'pallet_balances::types::AccountData',
    fields: { free: 'u64', reserved: 'u64', frozen: 'u64', flags: 'ExtraFlags' },
  },
  ExtraFlags: { path: 'pallet_balances::types::ExtraFlags', fields: ['u128'] },
  EventRecord: {
    path: 'frame_system::EventRecord',
    params: { E: 'RuntimeEvent', T: 'H256' },
    fields: { phase: 'Phase', event: 'RuntimeEvent', topics: 'Vec<H256>' },
  },
  Phase: {
    path: 'frame_system::Phase',
    variants: {
      ApplyExtrinsic: { index: 0, fields: ['u32'] },
      Finalization: { index: 1 },
      Initialization: { index: 2 },
    },
  },
  SystemEvent: {
    path: 'frame_system::pallet::Event',
    variants: {
      ExtrinsicSuccess: { index: 0, fields: { dispatch_info: 'DispatchEventInfo' } },
      ExtrinsicFailed: {
        index: 1,
        fields: { dispatch_error: 'DispatchError', dispatch_info: 'DispatchEventInfo' },
      },
    },
  },
  DispatchEventInfo: {
    path: 'frame_system::DispatchEventInfo',
    fields: { weight: 'Weight', class: 'DispatchClass', pays_fee: 'Pays' },
  },
  Weight: {
    path: 'sp_weights::weight_v2::Weight',
    fields: { ref_time: 'Compact<u64>', proof_size: 'Compact<u64>' },
  },
  DispatchClass: {
    path: 'frame_support::dispatch::DispatchClass',
    variants: cases('Normal', 'Operational', 'Mandatory'),
  },
  Pays: { path: 'frame_support::dispatch::Pays', variants: cases('Yes', 'No') },
  DispatchError: {
    path: 'sp_runtime::DispatchError',
    variants: {
      Other: { index: 0 },
      CannotLookup: { index: 1 },
      BadOrigin: { index: 2 },
      Module: { index: 3, fields: ['ModuleError'] },
      ConsumerRemaining: { index: 4 },
      NoProviders: { index: 5 },
      TooManyConsumers: { index: 6 },
      Token: { index: 7, fields: ['TokenError'] },
      Arithmetic: { index: 8, fields: ['ArithmeticError'] },
      Transactional: { index: 9, fields: ['TransactionalError'] },
      Exhausted: { index: 10 },
      Corruption: { index: 11 },
      Unavailable: { index: 12 },
      RootNotAllowed: { index: 13 },
    },
  },
  ModuleError: { path: 'sp_runtime::ModuleError', fields: { index: 'u8', error: '[u8; 4]' } },
  TokenError: {
    path: 'sp_runtime::TokenError',
    variants: cases(
      'FundsUnavailable',
      'OnlyProvider',
      'BelowMinimum',
      'CannotCreate',
      'UnknownAsset',
      'Frozen',
    ),
  },
  ArithmeticError: {
    path: 'sp_arithmetic::ArithmeticError',
    variants: cases('Underflow', 'Overflow', 'DivisionByZero'),
  },
  TransactionalError: {
    path: 'sp_runtime::TransactionalError',
    variants: cases('LimitReached', 'NoLayer'),
  },
};

/** The types that every Substrate chain has, as the runtime of finney (spec 424) declares them. */
export const FRAME_TYPES: Readonly<Record<string, TypeDefinition>> = {
  ...PRIMITIVE_TYPES,
  ...EXTENSION_TYPES,
  ...SYSTEM_TYPES,
};
