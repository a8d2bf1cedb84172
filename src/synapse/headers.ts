// The headers of a dendrite's request: their form, their receiver and the age of their nonce. Pure functions.
import type { IncomingHttpHeaders } from 'node:http';
import { MinerError } from '../errors.ts';

/** What a dendrite's request says of itself in its headers. All of it is only a claim until the signature is verified. */
export interface SynapseClaim {
  /** Hotkey that the request names as its signer. */
  readonly hotkey: string;
  /** Unix time in nanoseconds at which the caller made the headers. */
  readonly nonce: bigint;
  /** The same in milliseconds. */
  readonly timestampMs: number;
  /** How long the caller waits, in milliseconds; any number; absent if the caller does not say. */
  readonly timeoutMs?: number;
  /** How old the nonce may become, in milliseconds: the delay allowed for the way and the timeout, up to a limit. */
  readonly windowMs: number;
  /** One per dendrite, not per request. */
  readonly uuid: string;
  /** 0x and 128 hex digits: sr25519 over the synapse's message. */
  readonly signature: string;
  readonly bodyHash: string;
  /** The well-formed headers that go back with the answer, by name. */
  readonly echo: Readonly<Record<string, string>>;
}

/** The oldest SDK whose nonces are unix times: 7.2.0, as a number in base 1000. Older ones count from the boot of the caller. */
const OLDEST_VERSION = 7_002_000;
/** How old a request may be beyond its timeout. */
const ALLOWED_DELAY_MS = 4_000;
/** A caller may name any timeout; a longer one does not widen the window. */
const LONGEST_TIMEOUT_MS = 60_000;
const NS_PER_MS = 1_000_000n;

const SS58 = /^[1-9A-HJ-NP-Za-km-z]{46,50}$/;
const NATURAL = /^[0-9]{1,10}$/;
const ADDRESS = /^[0-9A-Fa-f.:]{1,45}$/;
/** A non-negative float as Python prints it. */
const FLOAT = /^[0-9]{1,17}(\.[0-9]{1,17})?(e[+-]?[0-9]{1,3})?$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Each header that is read, with its form. */
const FORMS = {
  name: /^\w{1,64}$/,
  timeout: FLOAT,
  bt_header_axon_ip: ADDRESS,
  bt_header_axon_port: NATURAL,
  bt_header_axon_hotkey: SS58,
  bt_header_dendrite_ip: ADDRESS,
  bt_header_dendrite_port: NATURAL,
  bt_header_dendrite_version: NATURAL,
  bt_header_dendrite_nonce: /^[1-9][0-9]{0,18}$/,
  bt_header_dendrite_uuid: UUID,
  bt_header_dendrite_hotkey: SS58,
  bt_header_dendrite_signature: /^0x[0-9a-f]{128}$/i,
  computed_body_hash: /^[0-9a-f]{64}$/,
} as const satisfies Record<string, RegExp>;
type HeaderName = keyof typeof FORMS;

/**
 * Reads the headers of a dendrite's request to the path `/${name}` and checks their form and receiver, and that the nonce
 * is a time.
 * @param receiver this miner's hotkey
 * @throws MinerError AXON_HEADER_INVALID, AXON_VERSION_UNKNOWN, AXON_WRONG_RECEIVER, or AXON_SIGNATURE_MISMATCH if there
 * is no signature
 */
export function readSynapseClaim(headers: IncomingHttpHeaders, name: string, receiver: string): SynapseClaim {
  const read: Partial<Record<HeaderName, string>> = {};
  for (const key of Object.keys(FORMS) as HeaderName[]) {
    const value = headers[key];
    if (value === undefined) continue;
    if (typeof value !== 'string' || !FORMS[key].test(value)) throw malformed(key);
    read[key] = value;
  }
  const { name: named = name, timeout, computed_body_hash: bodyHash } = read;
  const { bt_header_dendrite_nonce: nonceText, bt_header_dendrite_uuid: uuid } = read;
  const { bt_header_dendrite_hotkey: hotkey, bt_header_dendrite_signature: signature } = read;
  if (named !== name) throw malformed('name');
  if (hotkey === undefined) throw malformed('bt_header_dendrite_hotkey');
  if (uuid === undefined) throw malformed('bt_header_dendrite_uuid');
  if (nonceText === undefined) throw malformed('bt_header_dendrite_nonce');
  if (bodyHash === undefined) throw malformed('computed_body_hash');
  if (Number(read.bt_header_dendrite_version ?? 0) < OLDEST_VERSION) {
    throw new MinerError(
      'AXON_VERSION_UNKNOWN',
      'nonces of SDK versions below 7.2.0 are not times, so their age cannot be checked',
    );
  }
  if ((read.bt_header_axon_hotkey ?? receiver) !== receiver) {
    throw new MinerError('AXON_WRONG_RECEIVER', 'the request is meant for another hotkey');
  }
  if (signature === undefined) throw new MinerError('AXON_SIGNATURE_MISMATCH', 'Missing Signature');
  const nonce = BigInt(nonceText);
  const timeoutMs = timeout === undefined ? undefined : Number(timeout) * 1000;
  return {
    hotkey,
    nonce,
    timestampMs: Number(nonce / NS_PER_MS),
    windowMs: ALLOWED_DELAY_MS + Math.min(LONGEST_TIMEOUT_MS, timeoutMs ?? 0),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    uuid,
    signature,
    bodyHash,
    echo: read as Readonly<Record<string, string>>,
  };
}

/**
 * Checks the age of a request when its headers have arrived, for new and known callers alike. A request that is exactly as
 * old as the window is refused, as by the SDK.
 * @throws MinerError AXON_STALE or AXON_FUTURE
 */
export function checkNonce(
  { nonce, windowMs }: Pick<SynapseClaim, 'nonce' | 'windowMs'>,
  arrivedAtNs: bigint,
  futureToleranceMs: number,
): void {
  const ageNs = arrivedAtNs - nonce;
  if (ageNs >= nanoseconds(windowMs)) {
    throw new MinerError('AXON_STALE', 'Nonce is too old', { fields: { ageMs: Number(ageNs / NS_PER_MS) } });
  }
  if (-ageNs > nanoseconds(futureToleranceMs)) {
    throw new MinerError('AXON_FUTURE', 'Nonce is dated in the future', {
      fields: { aheadMs: Number(-ageNs / NS_PER_MS) },
    });
  }
}

/** Milliseconds as nanoseconds; exact for whole numbers of any size. */
export function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * NS_PER_MS + BigInt(Math.round((ms - whole) * 1e6));
}

function malformed(header: string): MinerError {
  return new MinerError('AXON_HEADER_INVALID', `Improperly formatted request: the header ${header}`);
}
