import { hexToU8a, stringToU8a } from '@polkadot/util';
import { decodeAddress, sr25519Verify } from '@polkadot/util-crypto';

/**
 * Whether `signature` (0x and 128 hex digits) is the sr25519 signature of `address` over the raw message, signing
 * context `substrate`. A malformed signature or address is simply false. Costs 2 to 5 ms of the calling thread; needs
 * `cryptoWaitReady()` first.
 */
export function verifySignature(message: string, signature: string, address: string): boolean {
  try {
    return sr25519Verify(stringToU8a(message), hexToU8a(signature), decodeAddress(address));
  } catch {
    return false;
  }
}
