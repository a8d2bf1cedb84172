import { hexToU8a } from '@polkadot/util';
import { encodeAddress } from '@polkadot/util-crypto';
import type { Block } from '../ledger/block-ledger.ts';
import { MAX_UIDS, type Subnet, type SubnetNeuron, uidOf } from '../ledger/subnet.ts';
import { METAGRAPH_FIELDS } from './metagraph-types.ts';
import { BURN_RAO, IMMUNITY_PERIOD_BLOCKS, TEMPO_BLOCKS, TOKEN_SYMBOL } from './storage.ts';

const NO_AXON = {
  block: 0,
  version: 0,
  ip: 0n,
  port: 0,
  ipType: 0,
  protocol: 0,
  placeholder1: 0,
  placeholder2: 0,
};
/** The account of all zeros. */
const NOBODY = encodeAddress(new Uint8Array(32), 42);
const NO_PROMETHEUS = { block: 0, version: 0, ip: 0n, port: 0, ipType: 0 };

/** The empty value of a type: zero, false, an empty list or null. */
function blank(type: string): unknown {
  if (type.startsWith('Compact<')) return 0;
  if (type === 'bool') return false;
  if (type === 'AccountId') return NOBODY;
  if (type === 'FixedI128') return { bits: 0 };
  return type.startsWith('Vec<') ? [] : null;
}

/** The fields of a metagraph in the order of their indexes, named as in the codec, with empty values. */
export const BLANK_FIELDS: readonly (readonly [name: string, value: unknown])[] = Object.entries(
  METAGRAPH_FIELDS,
).map(([name, type]) => [
  name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
  blank(type),
]);

/** The columns of the neurons. Each hotkey is its own coldkey here. */
export function neuronFields(neurons: readonly SubnetNeuron[]) {
  const each = <T>(pick: (neuron: SubnetNeuron) => T): readonly T[] => neurons.map(pick);
  const zeros = each(() => 0);
  return {
    hotkeys: each((neuron) => neuron.hotkey),
    coldkeys: each((neuron) => neuron.hotkey),
    identities: each(() => null),
    active: each(() => true),
    validatorPermit: each((neuron) => neuron.permit),
    pruningScore: zeros,
    lastUpdate: each((neuron) => neuron.registeredAtBlock),
    emission: zeros,
    dividends: zeros,
    incentives: zeros,
    consensus: zeros,
    blockAtRegistration: each((neuron) => neuron.registeredAtBlock),
    alphaStake: each((neuron) => neuron.stakeRao),
    taoStake: zeros,
    totalStake: each((neuron) => neuron.stakeRao),
  };
}

/** The description of one neuron. The codec encodes the missing fields, such as weights and bonds, as empty. */
export function neuronInfo({ netuid, neurons }: Subnet, uid: number) {
  const neuron = neurons[uid];
  if (neuron === undefined) return null;
  const { hotkey, stakeRao, permit, registeredAtBlock, axon } = neuron;
  return {
    hotkey,
    coldkey: hotkey,
    uid,
    netuid,
    active: true,
    axonInfo: axon ?? NO_AXON,
    prometheusInfo: NO_PROMETHEUS,
    stake: [[hotkey, stakeRao]],
    lastUpdate: registeredAtBlock,
    validatorPermit: permit,
  };
}

/** The stake of a coldkey with a hotkey on a subnet. Each hotkey is its own coldkey here. */
export function stakeInfo(subnet: Subnet, hotkey: string, coldkey: string, netuid = subnet.netuid) {
  const uid = netuid === subnet.netuid ? uidOf(subnet, hotkey) : undefined;
  const isOwn = hotkey === coldkey && uid !== undefined;
  const stake = isOwn ? (subnet.neurons[uid]?.stakeRao ?? 0n) : 0n;
  return { hotkey, coldkey, netuid, stake, isRegistered: uid !== undefined };
}

/** The fields of the metagraph that this chain knows. */
export function metagraphFields({ number, subnet }: Block) {
  return {
    ...neuronFields(subnet.neurons),
    block: number,
    symbol: [...hexToU8a(TOKEN_SYMBOL)],
    tempo: TEMPO_BLOCKS,
    numUids: subnet.neurons.length,
    maxUids: MAX_UIDS,
    weightsVersion: subnet.weightsVersion,
    burn: BURN_RAO,
    registrationAllowed: true,
    immunityPeriod: IMMUNITY_PERIOD_BLOCKS,
    servingRateLimit: subnet.servingRateLimitBlocks,
    axons: subnet.neurons.map(({ axon }) => axon ?? NO_AXON),
  };
}
