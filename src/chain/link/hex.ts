import { z } from 'zod';

export type HexString = `0x${string}`;

/** Bytes as nodes write them: in small letters, so that one hash has one spelling. */
export const hexSchema = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]*$/)]);

const BLOCK_NUMBER = /^0x[0-9a-f]{1,8}$/i;

/** The number of a block as nodes write it in a header: a u32 in hex. */
export const blockNumberSchema = z
  .string()
  .regex(BLOCK_NUMBER, { error: 'is no block number' })
  .transform(Number);

/** An array of at most `maxLength`. The length is judged before any element: a node may send millions of wrong ones. */
export function boundedArray<Element extends z.ZodType>(element: Element, maxLength: number) {
  return z
    .custom<unknown[]>((value) => Array.isArray(value) && value.length <= maxLength, {
      error: `is no array of at most ${maxLength}`,
    })
    .pipe(z.array(element));
}
