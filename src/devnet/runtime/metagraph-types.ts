import type { TypeDefinition } from './type-table.ts';

/** The fields of every description of a neuron, in order. */
const NEURON_INFO = {
  hotkey: 'AccountId',
  coldkey: 'AccountId',
  uid: 'Compact<u16>',
  netuid: 'Compact<u16>',
  active: 'bool',
  axon_info: 'AxonInfo',
  prometheus_info: 'PrometheusInfo',
  stake: 'Vec<(AccountId, Compact<u64>)>',
  rank: 'Compact<u16>',
  emission: 'Compact<u64>',
  incentive: 'Compact<u16>',
  consensus: 'Compact<u16>',
  trust: 'Compact<u16>',
  validator_trust: 'Compact<u16>',
  dividends: 'Compact<u16>',
  last_update: 'Compact<u64>',
  validator_permit: 'bool',
} as const;

/** The columns of a metagraph: one value for each neuron. */
const NEURON_COLUMNS = {
  active: 'Vec<bool>',
  validator_permit: 'Vec<bool>',
  pruning_score: 'Vec<Compact<u16>>',
  last_update: 'Vec<Compact<u64>>',
  emission: 'Vec<Compact<u64>>',
  dividends: 'Vec<Compact<u16>>',
  incentives: 'Vec<Compact<u16>>',
  consensus: 'Vec<Compact<u16>>',
  trust: 'Vec<Compact<u16>>',
  rank: 'Vec<Compact<u16>>',
  block_at_registration: 'Vec<Compact<u64>>',
  alpha_stake: 'Vec<Compact<u64>>',
  tao_stake: 'Vec<Compact<u64>>',
  total_stake: 'Vec<Compact<u64>>',
} as const;

/** The fields of a metagraph, in order. */
const METAGRAPH = {
  netuid: 'Compact<u16>',
  name: 'Vec<Compact<u8>>',
  symbol: 'Vec<Compact<u8>>',
  identity: 'Option<SubnetIdentityV3>',
  network_registered_at: 'Compact<u64>',
  owner_hotkey: 'AccountId',
  owner_coldkey: 'AccountId',
  block: 'Compact<u64>',
  tempo: 'Compact<u16>',
  last_step: 'Compact<u64>',
  blocks_since_last_step: 'Compact<u64>',
  subnet_emission: 'Compact<u64>',
  alpha_in: 'Compact<u64>',
  alpha_out: 'Compact<u64>',
  tao_in: 'Compact<u64>',
  alpha_out_emission: 'Compact<u64>',
  alpha_in_emission: 'Compact<u64>',
  tao_in_emission: 'Compact<u64>',
  pending_alpha_emission: 'Compact<u64>',
  pending_root_emission: 'Compact<u64>',
  subnet_volume: 'Compact<u128>',
  moving_price: 'FixedI128',
  rho: 'Compact<u16>',
  kappa: 'Compact<u16>',
  min_allowed_weights: 'Compact<u16>',
  max_weights_limit: 'Compact<u16>',
  weights_version: 'Compact<u64>',
  weights_rate_limit: 'Compact<u64>',
  activity_cutoff: 'Compact<u64>',
  max_validators: 'Compact<u16>',
  num_uids: 'Compact<u16>',
  max_uids: 'Compact<u16>',
  burn: 'Compact<u64>',
  difficulty: 'Compact<u64>',
  registration_allowed: 'bool',
  pow_registration_allowed: 'bool',
  immunity_period: 'Compact<u16>',
  min_difficulty: 'Compact<u64>',
  max_difficulty: 'Compact<u64>',
  min_burn: 'Compact<u64>',
  max_burn: 'Compact<u64>',
  adjustment_alpha: 'Compact<u64>',
  adjustment_interval: 'Compact<u16>',
  target_regs_per_interval: 'Compact<u16>',
  max_regs_per_block: 'Compact<u16>',
  serving_rate_limit: 'Compact<u64>',
  commit_reveal_weights_enabled: 'bool',
  commit_reveal_period: 'Compact<u64>',
  liquid_alpha_enabled: 'bool',
  alpha_high: 'Compact<u16>',
  alpha_low: 'Compact<u16>',
  bonds_moving_avg: 'Compact<u64>',
  hotkeys: 'Vec<AccountId>',
  coldkeys: 'Vec<AccountId>',
  identities: 'Vec<Option<ChainIdentityV2>>',
  axons: 'Vec<AxonInfo>',
  ...NEURON_COLUMNS,
  tao_dividends_per_hotkey: 'Vec<(AccountId, Compact<u64>)>',
  alpha_dividends_per_hotkey: 'Vec<(AccountId, Compact<u64>)>',
} as const;

/** The fields that a caller selects by index, which is the position here: those of `METAGRAPH`, and later ones. */
export const METAGRAPH_FIELDS = {
  ...METAGRAPH,
  validators: 'Vec<Compact<u16>>',
  commitments: 'Vec<(AccountId, Vec<Compact<u8>>)>',
} as const;

/** All fields but the first are optional. */
function selectiveFields(): Readonly<Record<string, string>> {
  const { netuid, ...others } = METAGRAPH_FIELDS;
  const optional = Object.entries(others).map(([name, type]) => [name, `Option<${type}>`]);
  return { netuid, ...Object.fromEntries(optional) };
}

/** The types of the answers about a subnet and its neurons, as on finney (spec 424). */
export const METAGRAPH_TYPES: Readonly<Record<string, TypeDefinition>> = {
  PrometheusInfo: {
    path: 'pallet_subtensor::pallet::PrometheusInfo',
    fields: { block: 'u64', version: 'u32', ip: 'u128', port: 'u16', ip_type: 'u8' },
  },
  NeuronInfo: {
    path: 'pallet_subtensor::rpc_info::neuron_info::NeuronInfo',
    fields: {
      ...NEURON_INFO,
      weights: 'Vec<(Compact<u16>, Compact<u16>)>',
      bonds: 'Vec<(Compact<u16>, Compact<u16>)>',
      pruning_score: 'Compact<u16>',
    },
  },
  NeuronInfoLite: {
    path: 'pallet_subtensor::rpc_info::neuron_info::NeuronInfoLite',
    fields: { ...NEURON_INFO, pruning_score: 'Compact<u16>' },
  },
  StakeInfo: {
    path: 'pallet_subtensor::rpc_info::stake_info::StakeInfo',
    fields: {
      hotkey: 'AccountId',
      coldkey: 'AccountId',
      netuid: 'Compact<u16>',
      stake: 'Compact<u64>',
      locked: 'Compact<u64>',
      emission: 'Compact<u64>',
      tao_emission: 'Compact<u64>',
      drain: 'Compact<u64>',
      is_registered: 'bool',
    },
  },
  FixedI128: { path: 'substrate_fixed::FixedI128', fields: { bits: 'i128' } },
  SubnetIdentityV3: {
    path: 'pallet_subtensor::pallet::SubnetIdentityV3',
    fields: {
      subnet_name: 'Vec<u8>',
      github_repo: 'Vec<u8>',
      subnet_contact: 'Vec<u8>',
      subnet_url: 'Vec<u8>',
      discord: 'Vec<u8>',
      description: 'Vec<u8>',
      logo_url: 'Vec<u8>',
      additional: 'Vec<u8>',
    },
  },
  ChainIdentityV2: {
    path: 'pallet_subtensor::pallet::ChainIdentityV2',
    fields: {
      name: 'Vec<u8>',
      url: 'Vec<u8>',
      github_repo: 'Vec<u8>',
      image: 'Vec<u8>',
      discord: 'Vec<u8>',
      description: 'Vec<u8>',
      additional: 'Vec<u8>',
    },
  },
  Metagraph: { path: 'pallet_subtensor::rpc_info::metagraph::Metagraph', fields: METAGRAPH },
  SelectiveMetagraph: {
    path: 'pallet_subtensor::rpc_info::metagraph::SelectiveMetagraph',
    fields: selectiveFields(),
  },
  SubnetState: {
    path: 'pallet_subtensor::rpc_info::show_subnet::SubnetState',
    fields: {
      netuid: 'Compact<u16>',
      hotkeys: 'Vec<AccountId>',
      coldkeys: 'Vec<AccountId>',
      ...NEURON_COLUMNS,
      emission_history: 'Vec<Vec<Compact<u64>>>',
    },
  },
};
