// The headers of an Epistula request: their form, receiver and freshness, and the texts that are signed. Pure functions.
import type { IncomingHttpHeaders } from 'node:http';
import { MinerError } from '../errors.ts';

/** What an Epistula request says of itself. All of it is only a claim until the signature is verified. */
export interface EpistulaClaim {
  /** Unix time in milliseconds at which the caller made the headers. */
  readonly timestampMs: number;
  /** The timestamp as it stands in the signed message: decimal, no leading zeros. */
  readonly timestampText: string;
  readonly uuid: string;
  /** Hotkey that the request names as its signer. */
  readonly hotkey: string;
  /** Hotkey of the receiver. */
  readonly signedFor: string;
  /** 0x and 128 hex digits: sr25519 over the request's message. */
  readonly signature: string;
  /**
   * 0x and 128 hex digits over the current 10-second interval and the receiver; undefined if the caller gave none. It
   * proves possession of the key before any byte of the body. It can be copied for about 20 s, so it is never logged.
   */
  readonly secretSignature: string | undefined;
}

/** The length of the intervals that secret signatures cover, in milliseconds. */
const SECRET_INTERVAL_MS = 10_000;
/** A request that is older is stale; a request that is exactly this old is fresh. */
export const STALE_AFTER_MS = 8_000;

const SIGNATURE = /^0x[0-9a-f]{128}$/i;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SS58 = /^[1-9A-HJ-NP-Za-km-z]{46,50}$/;

interface SignedParts {
  /** Lower-case hex of SHA-256 over the body exactly as sent. */
  readonly bodySha256Hex: string;
  readonly uuid: string;
  readonly timestampText: string;
  /** Hotkey of the receiver, or the empty string; the dot before it stays. */
  readonly signedFor: string;
}

/**
 * Reads the Epistula headers of a request and checks their version, receiver and form, in the order of the reference miner.
 * @param receiver this miner's hotkey
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
    hotkey: wellFormed(headers['epistula-signed-by'], SS58, 'Invalid signer'),
    signedFor: receiver,
    signature: wellFormed(headers['epistula-request-signature'], SIGNATURE, 'Invalid Signature'),
    secretSignature:
      typeof secretSignature === 'string' && SIGNATURE.test(secretSignature) ? secretSignature : undefined,
  };
}

/**
 * Checks the age of a request at the moment when its headers had arrived, so that a slow upload does not make a fresh
 * request stale.
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

/** The text that the full signature covers. Path, method and all other headers are not in it. */
export function requestMessage({ bodySha256Hex, uuid, timestampText, signedFor }: SignedParts): string {
  return `${bodySha256Hex}.${uuid}.${timestampText}.${signedFor}`;
}

/**
 * The texts that the three secret signatures cover, in their order. The interval is a Python float, so its text ends in
 * `.0`. The first and the third differ from the second by one millisecond, not by one interval.
 */
export function secretMessages(timestampMs: number, signedFor: string): [string, string, string] {
  const interval = Math.ceil(timestampMs / SECRET_INTERVAL_MS) * SECRET_INTERVAL_MS;
  const message = (at: number) => `${at.toFixed(1)}.${signedFor}`;
  return [message(interval - 1), message(interval), message(interval + 1)];
}

function wellFormed(value: string | string[] | undefined, form: RegExp, detail: string): string {
  if (typeof value !== 'string' || !form.test(value)) throw new MinerError('AXON_HEADER_INVALID', detail);
  return value;
}
