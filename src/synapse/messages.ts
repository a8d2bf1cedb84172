import { createHash } from 'node:crypto';

/**
 * The `computed_body_hash` of a synapse whose class names no hashed fields, as both of this subnet: SHA3-256 of nothing,
 * as 64 lower-case hex digits. The signature then covers no field of the body.
 */
export const NO_FIELDS_HASH = createHash('sha3-256').digest('hex');

interface SignedParts {
  /** The header's number of nanoseconds, which is larger than a JavaScript number can hold exactly. */
  readonly nonce: bigint;
  readonly dendriteHotkey: string;
  /** This miner's own hotkey, whatever the headers say. */
  readonly axonHotkey: string;
  readonly dendriteUuid: string;
  /** The `computed_body_hash` header. */
  readonly bodyHash: string;
}

/** The text that a dendrite signs. The path is not in it, nor, in this subnet's classes, any field of the body. */
export function synapseMessage(parts: SignedParts): string {
  const { nonce, dendriteHotkey, axonHotkey, dendriteUuid, bodyHash } = parts;
  return `${nonce}.${dendriteHotkey}.${axonHotkey}.${dendriteUuid}.${bodyHash}`;
}
