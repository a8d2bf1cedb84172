import { z } from 'zod';
import { MinerError } from '../errors.ts';
import { boundedArray } from './link/hex.ts';
import { parse } from './link/session.ts';

/** 1 TAO is 1e9 rao, on chain. */
const RAO_PER_TAO = 1e9;

/** Subnets of subtensor have up to 256 neurons. */
export const NEURONS_LIMIT = 4_096;

/** A neuron of the subnet as the signer checks need it. Stake is in TAO, exact to about 0.001. */
export interface Signer {
  readonly uid: number;
  readonly stakeTao: number;
  readonly permit: boolean;
}

/** By hotkey, an SS58 address. */
export type Signers = ReadonlyMap<string, Signer>;

/** Polkadot.js writes integers that JSON can't hold as big-endian hex. */
export const bigintSchema = z
  .union([z.number().int().nonnegative(), z.string().regex(/^(0x[0-9a-f]{1,32}|\d{1,39})$/i)], {
    error: 'is no whole number',
  })
  .transform((value) => BigInt(value));
export const numberSchema = bigintSchema.transform(Number);
export const taoSchema = numberSchema.transform((rao) => rao / RAO_PER_TAO);
export const addressSchema = z
  .string()
  .regex(/^[1-9A-HJ-NP-Za-km-z]{46,50}$/, { error: 'is no SS58 address' });

const neuronsSchema = z.object({
  hotkeys: boundedArray(addressSchema, NEURONS_LIMIT),
  validatorPermit: boundedArray(z.boolean(), NEURONS_LIMIT),
  totalStake: boundedArray(taoSchema, NEURONS_LIMIT),
});

/**
 * The table of a subnet as the runtime answers it, a column for each field.
 * @throws MinerError CHAIN_ENDPOINT_UNTRUSTED
 */
export function toSigners(answer: unknown): Signers {
  const { hotkeys, validatorPermit, totalStake } = parse(neuronsSchema, answer);
  if (validatorPermit.length !== hotkeys.length || totalStake.length !== hotkeys.length) {
    throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', 'the columns of the metagraph differ in length');
  }
  return new Map(
    hotkeys.map((address, uid) => [
      address,
      { uid, stakeTao: totalStake[uid] ?? 0, permit: validatorPermit[uid] ?? false },
    ]),
  );
}
