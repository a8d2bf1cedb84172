import { hexToU8a, stringToU8a } from '@polkadot/util';
import { decodeAddress, sr25519Verify } from '@polkadot/util-crypto';

/**
 * Whether `signature` (0x and 128 hex digits) is the sr25519 signature of the hotkey over the raw message, with the signing
 * context `substrate`. False if the signature or the hotkey is malformed. Costs 2 to 5 ms of the calling thread; call
 * `cryptoWaitReady()` first.
 */
export function verifySignature(message: string, signature: string, hotkey: string): boolean {
  try {
    return sr25519Verify(stringToU8a(message), hexToU8a(signature), decodeAddress(hotkey));
  } catch {
    return false;
  }
}
