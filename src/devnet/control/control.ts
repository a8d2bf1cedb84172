import { decodeAddress, encodeAddress } from '@polkadot/util-crypto';
import type { Block, BlockLedger } from '../ledger/block-ledger.ts';
import {
  type AxonInfo,
  changeNeuron,
  deregisterNeuron,
  evictNeuron,
  invalidControl,
  registerNeuron,
  type Subnet,
  uidOf,
} from '../ledger/subnet.ts';
import type { Pool } from '../rpc/pool.ts';
import { type BlockAuthor, subtensorErrorIndex } from './block-author.ts';

export interface RegisterOptions {
  /** 0 if absent. */
  readonly stakeTao?: number | undefined;
  /** The validator permit; false if absent. */
  readonly permit?: boolean | undefined;
}

/**
 * Changes the chain from outside. Each change makes a block of its own at once: when a function returns, queries and
 * subscriptions show the change. Hotkeys are SS58 addresses. Owned by node.ts.
 *
 * @throws MinerError DEVNET_INVALID_CONTROL for an impossible hotkey, amount, number or code
 */
export interface Control {
  /** Gives the hotkey the lowest freed uid, or a new one if none is free. Returns the uid. */
  register(hotkey: string, registration?: RegisterOptions): number;
  /** Removes the hotkey and its axon. A stand-in holds the uid until the next registration. */
  deregister(hotkey: string): void;
  /** Gives the uid of the hotkey to a newcomer in one block, as a full subnet does. */
  evict(hotkey: string, newcomer: string): void;
  setStake(hotkey: string, stakeTao: number): void;
  setPermit(hotkey: string, permit: boolean): void;
  /** Sets the lowest validator version whose weights count; 0 for any. */
  setWeightsVersion(weightsVersion: number): void;
  /**
   * From now on block times are this far in the past, as on a node that is still syncing; 0 ends it.
   * @param lagMs up to a year
   */
  setLag(lagMs: number): void;
  axonOf(hotkey: string): AxonInfo | undefined;
  /** Makes one block at once. */
  produceBlock(): void;
  /** The transaction pool refuses the next good submission with this custom code (0 to 255). */
  refuseNext(customCode: number): void;
  /** The next extrinsic that is included fails with this error of the subnet pallet, as before spec 300. */
  failNext(errorName: string): void;
}

interface ControlOptions {
  readonly ledger: BlockLedger;
  readonly pool: Pool;
  readonly blockAuthor: BlockAuthor;
  /** Called after each block. */
  readonly onBlock: (block: Block) => void;
}

const RAO_PER_TAO = 1e9;
/** The supply of TAO. */
const MAX_STAKE_TAO = 21_000_000;

/** A year. */
const MAX_LAG_MS = 365 * 24 * 3_600_000;

/** An amount of TAO in rao. */
export function toRao(stakeTao: number): bigint {
  if (!(stakeTao >= 0 && stakeTao <= MAX_STAKE_TAO)) {
    throw invalidControl(`a stake has to be between 0 and ${MAX_STAKE_TAO} TAO`);
  }
  return BigInt(Math.round(stakeTao * RAO_PER_TAO));
}

/** The same address with the SS58 prefix 42. */
export function toHotkey(address: string): string {
  try {
    return encodeAddress(decodeAddress(address), 42);
  } catch (cause) {
    throw invalidControl('a hotkey has to be an SS58 address', cause);
  }
}

export function createControl({ ledger, pool, blockAuthor, onBlock }: ControlOptions): Control {
  function change(make: (subnet: Subnet, block: number) => Subnet): Block {
    const block = blockAuthor.author(make);
    onBlock(block);
    return block;
  }

  return {
    register: (address, { stakeTao = 0, permit = false } = {}) => {
      const hotkey = toHotkey(address);
      const stakeRao = toRao(stakeTao);
      const { subnet } = change((before, block) =>
        registerNeuron(before, hotkey, { stakeRao, permit, block }),
      );
      return uidOf(subnet, hotkey) ?? 0;
    },
    deregister: (address) => {
      change((subnet, block) => deregisterNeuron(subnet, toHotkey(address), block));
    },
    evict: (address, newcomer) => {
      change((subnet, block) =>
        evictNeuron(subnet, toHotkey(address), { newcomer: toHotkey(newcomer), block }),
      );
    },
    setStake: (address, stakeTao) => {
      change((subnet) => changeNeuron(subnet, toHotkey(address), { stakeRao: toRao(stakeTao) }));
    },
    setPermit: (address, permit) => {
      change((subnet) => changeNeuron(subnet, toHotkey(address), { permit }));
    },
    setWeightsVersion: (weightsVersion) => {
      if (!Number.isSafeInteger(weightsVersion) || weightsVersion < 0) {
        throw invalidControl('a weights version has to be a whole number from 0 on');
      }
      change((subnet) => ({ ...subnet, weightsVersion }));
    },
    setLag: (lagMs) => {
      if (!(lagMs >= 0 && lagMs <= MAX_LAG_MS)) {
        throw invalidControl('a lag has to be between 0 and 365 days');
      }
      blockAuthor.setLag(Math.round(lagMs));
      change((subnet) => subnet);
    },
    axonOf: (address) => {
      const hotkey = toHotkey(address);
      return ledger.head.subnet.neurons.find((neuron) => neuron.hotkey === hotkey)?.axon;
    },
    produceBlock: () => {
      change((subnet) => subnet);
    },
    refuseNext: (customCode) => {
      if (!Number.isInteger(customCode) || customCode < 0 || customCode > 255) {
        throw invalidControl('a custom code has to be a whole number from 0 to 255');
      }
      pool.refuseNext(customCode);
    },
    failNext: (errorName) => {
      if (subtensorErrorIndex(errorName) === undefined) {
        throw invalidControl(`the subnet pallet has no error ${errorName} here`);
      }
      blockAuthor.failNext(errorName);
    },
  };
}
