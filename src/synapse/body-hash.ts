import { createHash } from 'node:crypto';

/**
 * The `computed_body_hash` of a synapse: SHA3-256 over the joined SHA3-256 hex digests of the fields that its class names
 * in `required_hash_fields`, in that order, each as Python's `str()` gives it. A class that names none, as both of this
 * subnet, has the hash of nothing: the signature then covers no field at all.
 * @returns 64 lower-case hex digits
 */
export function synapseBodyHash(hashedFields: readonly string[] = []): string {
  return sha3(hashedFields.map(sha3).join(''));
}

function sha3(text: string): string {
  return createHash('sha3-256').update(text).digest('hex');
}
