/** Schemas for the answers of a node. Every value from an endpoint passes through `parse` with one of them. */

import { z } from 'zod';
import { MinerError } from '../../errors.ts';
import { printable } from '../../printable.ts';

export type HexString = `0x${string}`;

/** Bytes as nodes write them, in lower case only, so that one hash has one spelling. */
export const hexSchema = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]*$/)]);

const BLOCK_NUMBER = /^0x[0-9a-f]{1,8}$/i;

/** The block number in a header: a u32 in hex. */
export const blockNumberSchema = z
  .string()
  .regex(BLOCK_NUMBER, { error: 'is not a block number' })
  .transform(Number);

/** An array of at most `maxLength`. The length is checked before any element: a node may send millions of wrong ones. */
export function boundedArray<Element extends z.ZodType>(element: Element, maxLength: number) {
  return z
    .custom<unknown[]>((value) => Array.isArray(value) && value.length <= maxLength, {
      error: `is not an array of at most ${maxLength}`,
    })
    .pipe(z.array(element));
}

export const headerSchema = z.object({ number: blockNumberSchema });

/** 1 TAO is 1e9 rao, on chain. */
const RAO_PER_TAO = 1e9;

/** Polkadot.js writes integers that JSON cannot hold as big-endian hex. */
export const bigintSchema = z
  .union([z.number().int().nonnegative(), z.string().regex(/^(0x[0-9a-f]{1,32}|\d{1,39})$/i)], {
    error: 'is not a whole number',
  })
  .transform((value) => BigInt(value));
export const numberSchema = bigintSchema.transform(Number);
export const taoSchema = numberSchema.transform((rao) => rao / RAO_PER_TAO);
export const hotkeySchema = z
  .string()
  .regex(/^[1-9A-HJ-NP-Za-km-z]{46,50}$/, { error: 'is not an SS58 address' });

/** The highest length of a node's words in an error. */
const FAULT_LIMIT_CHARS = 200;

/**
 * Checks a node's answer against a schema.
 * @throws MinerError CHAIN_ENDPOINT_UNTRUSTED if it does not match. The message has only the first fault: there may be a
 *   million
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path = [], message = '' } = result.error.issues[0] ?? {};
  const where = path.length === 0 ? '' : ` at ${path.join('.')}`;
  const fault = printable(`${message}${where}`, FAULT_LIMIT_CHARS);
  throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', `unexpected answer: ${fault}`);
}
