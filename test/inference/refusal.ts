import { expect } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';

/** Matches an error of this code whose message has all the parts, in this order. */
export function refusal(code: ErrorCode, ...parts: readonly string[]): unknown {
  const pattern = parts.map((part) => part.replace(/[[\]().?*+^$|\\{}]/g, '\\$&')).join('.*');
  return expect.objectContaining({ code, message: expect.stringMatching(new RegExp(pattern, 's')) });
}
