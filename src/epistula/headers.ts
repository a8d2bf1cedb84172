import type { IncomingHttpHeaders } from 'node:http';
import { MinerError } from '../errors.ts';

/** What a signed request says of itself. Until its signature is verified all of it is only a claim. */
export interface EpistulaClaim {
  /** Unix time in milliseconds at which the sender made the headers. */
  readonly timestampMs: number;
  /** The timestamp as it stands in the signed message: decimal, no leading zeros. */
  readonly timestampText: string;
  readonly uuid: string;
  /** ss58 address of the sender's hotkey. */
  readonly signedBy: string;
  /** ss58 address of the receiver's hotkey. */
  readonly signedFor: string;
  /** 0x and 128 hex digits: sr25519 over the request's message. */
  readonly signature: string;
  /**
   * 0x and 128 hex digits over the current 10-second interval and the receiver, where the sender gave one. A bearer
   * token for about 20 s that proves possession of the key before any body byte: never logged.
   */
  readonly secretSignature: string | undefined;
}

/** Senders older than this are stale. Exactly this old is still fresh. */
export const STALE_AFTER_MS = 8_000;

const SIGNATURE = /^0x[0-9a-f]{128}$/i;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SS58 = /^[1-9A-HJ-NP-Za-km-z]{46,50}$/;

/**
 * Reads the Epistula headers of a request for `receiver` and checks all that needs no key and no chain, in the
 * order in which the reference miner judges: version, receiver, then form.
 * @throws MinerError AXON_VERSION_UNKNOWN, AXON_WRONG_RECEIVER or AXON_HEADER_INVALID
 */
export function readClaim(headers: IncomingHttpHeaders, receiver: string): EpistulaClaim {
  if (headers['epistula-version'] !== '2') {
    throw new MinerError('AXON_VERSION_UNKNOWN', 'Unknown Epistula version');
  }
  const signedFor = headers['epistula-signed-for'];
  if (signedFor !== receiver) {
    throw new MinerError('AXON_WRONG_RECEIVER', 'Bad Request, message is not intended for self');
  }
  const timestamp = wellFormed(headers['epistula-timestamp'], /^[0-9]{1,16}$/, 'Invalid timestamp');
  const secretSignature = headers['epistula-secret-signature-1'];
  return {
    timestampMs: Number(timestamp),
    timestampText: BigInt(timestamp).toString(),
    uuid: wellFormed(headers['epistula-uuid'], UUID, 'Invalid uuid'),
    signedBy: wellFormed(headers['epistula-signed-by'], SS58, 'Invalid signer'),
    signedFor: receiver,
    signature: wellFormed(headers['epistula-request-signature'], SIGNATURE, 'Invalid Signature'),
    secretSignature:
      typeof secretSignature === 'string' && SIGNATURE.test(secretSignature) ? secretSignature : undefined,
  };
}

/**
 * Judges the age of a request by the clock at the moment its headers had arrived, so that a slow upload does not
 * make a fresh request stale.
 * @throws MinerError AXON_STALE or AXON_FUTURE
 */
export function checkFreshness(timestampMs: number, arrivedAtMs: number, futureToleranceMs: number): void {
  if (timestampMs + STALE_AFTER_MS < arrivedAtMs) {
    throw new MinerError('AXON_STALE', 'Request is too stale', {
      fields: { ageMs: arrivedAtMs - timestampMs },
    });
  }
  if (timestampMs > arrivedAtMs + futureToleranceMs) {
    throw new MinerError('AXON_FUTURE', 'Request is dated in the future', {
      fields: { aheadMs: timestampMs - arrivedAtMs },
    });
  }
}

function wellFormed(value: string | string[] | undefined, form: RegExp, detail: string): string {
  if (typeof value !== 'string' || !form.test(value)) throw new MinerError('AXON_HEADER_INVALID', detail);
  return value;
}
