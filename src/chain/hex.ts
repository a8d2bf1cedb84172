import { z } from 'zod';

export type HexString = `0x${string}`;

/** Bytes as nodes write them. */
export const hexSchema = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]*$/i)]);
