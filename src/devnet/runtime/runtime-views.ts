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

/** A value of the type that means nothing: zero, false, empty or absent. */
function blank(type: string): unknown {
  if (type.startsWith('Compact<')) return 0;
  if (type === 'bool') return false;
  if (type === 'AccountId') return NOBODY;
  if (type === 'FixedI128') return { bits: 0 };
  return type.startsWith('Vec<') ? [] : null;
}

/** The fields of a metagraph by the index by which a caller asks for them, in the codec's spelling, with blank values. */
export const BLANK_FIELDS: readonly (readonly [name: string, value: unknown])[] = Object.entries(
  METAGRAPH_FIELDS,
).map(([name, type]) => [
  name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
  blank(type),
]);

/** All that is known of the neurons, one list a field. Each hotkey is its own coldkey here. */
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

/** One neuron, as the runtime describes it in full; its shorter description leaves out weights and bonds. */
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

/** What a coldkey has staked with a hotkey on a subnet: of this one, what the hotkey has, since it is its own coldkey. */
export function stakeInfo(subnet: Subnet, hotkey: string, coldkey: string, netuid = subnet.netuid) {
  const uid = netuid === subnet.netuid ? uidOf(subnet, hotkey) : undefined;
  const isOwn = hotkey === coldkey && uid !== undefined;
  const stake = isOwn ? (subnet.neurons[uid]?.stakeRao ?? 0n) : 0n;
  return { hotkey, coldkey, netuid, stake, isRegistered: uid !== undefined };
}

/** What this chain knows of the subnet and its neurons; all else is blank. */
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
