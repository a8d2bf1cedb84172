import { blake2AsU8a, encodeAddress } from '@polkadot/util-crypto';
import { MinerError } from '../../errors.ts';

/** The announced address of a neuron, as the chain stores it. */
export interface AxonInfo {
  /** The number of the block of the announcement. */
  readonly block: number;
  readonly version: number;
  /** The address as one integer. */
  readonly ip: bigint;
  readonly port: number;
  readonly ipType: number;
  readonly protocol: number;
  readonly placeholder1: number;
  readonly placeholder2: number;
}

export interface SubnetNeuron {
  /** SS58 address with prefix 42. */
  readonly hotkey: string;
  /** 1 TAO is 1e9 rao. */
  readonly stakeRao: bigint;
  readonly permit: boolean;
  readonly registeredAtBlock: number;
  readonly axon?: AxonInfo;
  /** True for the stand-in that holds a freed uid until the next registration. */
  readonly standIn: boolean;
}

/** One subnet at one block. A change makes a new value. The uid of a neuron is its position. */
export interface Subnet {
  readonly netuid: number;
  /** Blocks that must pass between two announcements of one hotkey; 0 for no limit. */
  readonly servingRateLimitBlocks: number;
  /** The lowest validator version whose weights count; 0 for any. */
  readonly weightsVersion: number;
  readonly neurons: readonly SubnetNeuron[];
}

interface RegisterOptions {
  readonly stakeRao: bigint;
  readonly permit: boolean;
  readonly block: number;
}

/** The highest number of uids of a subnet on finney. */
export const MAX_UIDS = 256;

/** The refusal of an impossible change by the control. */
export function invalidControl(message: string, cause?: unknown): MinerError {
  return new MinerError('DEVNET_INVALID_CONTROL', message, { cause });
}

/** The uid of a hotkey; undefined if it is not registered. */
export function uidOf(subnet: Subnet, hotkey: string): number | undefined {
  const uid = subnet.neurons.findIndex((neuron) => neuron.hotkey === hotkey);
  return uid === -1 ? undefined : uid;
}

function withNeuron(subnet: Subnet, uid: number, neuron: SubnetNeuron): Subnet {
  return { ...subnet, neurons: subnet.neurons.toSpliced(uid, 1, neuron) };
}

function registeredUid(subnet: Subnet, hotkey: string): number {
  const uid = uidOf(subnet, hotkey);
  if (uid === undefined) {
    throw invalidControl(`${hotkey} is not registered on netuid ${subnet.netuid}`);
  }
  return uid;
}

/**
 * The subnet after a registration. The hotkey gets the lowest freed uid, or a new one if none is free.
 *
 * @throws MinerError DEVNET_INVALID_CONTROL if it is already registered, or all uids are taken
 */
export function registerNeuron(subnet: Subnet, hotkey: string, registration: RegisterOptions): Subnet {
  if (uidOf(subnet, hotkey) !== undefined) {
    throw invalidControl(`${hotkey} is already registered on netuid ${subnet.netuid}`);
  }
  const freed = subnet.neurons.findIndex((neuron) => neuron.standIn);
  const uid = freed === -1 ? subnet.neurons.length : freed;
  if (uid >= MAX_UIDS) {
    throw invalidControl(`all ${MAX_UIDS} uids of netuid ${subnet.netuid} are taken`);
  }
  const { stakeRao, permit, block } = registration;
  return withNeuron(subnet, uid, { hotkey, stakeRao, permit, registeredAtBlock: block, standIn: false });
}

/**
 * The subnet without the hotkey and its axon. On the real chain every uid below `SubnetworkN` has a hotkey, because a
 * neuron leaves only when another takes its uid. Here a stand-in takes the uid; nobody has its key.
 *
 * @throws MinerError DEVNET_INVALID_CONTROL if the hotkey is not registered
 */
export function deregisterNeuron(subnet: Subnet, hotkey: string, block: number): Subnet {
  const uid = registeredUid(subnet, hotkey);
  const nobody = encodeAddress(blake2AsU8a(`stand-in ${uid} ${block}`), 42);
  return withNeuron(subnet, uid, {
    hotkey: nobody,
    stakeRao: 0n,
    permit: false,
    registeredAtBlock: block,
    standIn: true,
  });
}

/**
 * The subnet after a newcomer took the uid of a hotkey, as a registration on a full subnet does.
 *
 * @throws MinerError DEVNET_INVALID_CONTROL if the hotkey is not registered, or the newcomer is
 */
export function evictNeuron(
  subnet: Subnet,
  hotkey: string,
  { newcomer, block }: { readonly newcomer: string; readonly block: number },
): Subnet {
  const uid = registeredUid(subnet, hotkey);
  if (uidOf(subnet, newcomer) !== undefined) {
    throw invalidControl(`${newcomer} is already registered on netuid ${subnet.netuid}`);
  }
  const neuron = { hotkey: newcomer, stakeRao: 0n, permit: false, registeredAtBlock: block, standIn: false };
  return withNeuron(subnet, uid, neuron);
}

/**
 * The subnet after a change of one neuron.
 *
 * @throws MinerError DEVNET_INVALID_CONTROL if the hotkey is not registered
 */
export function changeNeuron(
  subnet: Subnet,
  hotkey: string,
  change: Partial<Pick<SubnetNeuron, 'stakeRao' | 'permit' | 'axon'>>,
): Subnet {
  const uid = registeredUid(subnet, hotkey);
  const neuron = subnet.neurons[uid];
  return neuron === undefined ? subnet : withNeuron(subnet, uid, { ...neuron, ...change });
}
