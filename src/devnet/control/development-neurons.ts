import type { RegisterOptions } from './control.ts';

/** A neuron that is registered from the first block on. */
export interface GenesisNeuron extends RegisterOptions {
  /** SS58 address. */
  readonly hotkey: string;
}

/**
 * The well-known development keys, by uid: a validator, a miner, and one with too little stake. //Dave is not
 * registered.
 */
export const DEVELOPMENT_NEURONS: readonly GenesisNeuron[] = [
  { hotkey: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY', stakeTao: 1_000_000, permit: true }, // //Alice
  { hotkey: '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty' }, // //Bob
  { hotkey: '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y', stakeTao: 100 }, // //Charlie
];
