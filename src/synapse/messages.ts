interface SignedParts {
  /** As it stands in the header: nanoseconds in decimal, beyond what a number holds. */
  readonly nonce: bigint;
  readonly dendriteHotkey: string;
  /** The receiver's own hotkey, whatever the headers say. */
  readonly axonHotkey: string;
  readonly dendriteUuid: string;
  /** The `computed_body_hash` header. */
  readonly bodyHash: string;
}

/** What a dendrite signs. Neither the path nor, in this subnet's classes, any field of the body is covered. */
export function synapseMessage(parts: SignedParts): string {
  const { nonce, dendriteHotkey, axonHotkey, dendriteUuid, bodyHash } = parts;
  return `${nonce}.${dendriteHotkey}.${axonHotkey}.${dendriteUuid}.${bodyHash}`;
}
