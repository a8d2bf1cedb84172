// The two ways to sign a request share one interface: epistula-protocol.ts and synapse-protocol.ts implement it.
// signed-request.ts takes a request through it up to its verified body, and routes.ts answers through it.
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Deadline } from '../admission/deadline.ts';
import type { Pictures, ReceivedBody } from '../answering/answerer.ts';
import type { MinerError } from '../errors.ts';
import type { Prediction } from '../inference/engine.ts';
import type { RecordBuilder } from '../telemetry/request-record.ts';

/** What a signed request says of itself. All of it is only a claim until the signature is verified. */
export interface SignedClaim {
  /** Hotkey that the request names as its signer. */
  readonly hotkey: string;
  /** Unix time in milliseconds at which the caller made the headers. */
  readonly timestampMs: number;
  /** How long after that the caller waits for an answer; absent if it does not say. */
  readonly timeoutMs?: number;
}

/** A signature of the claimed hotkey, and the text that it covers. */
export interface SignedText {
  readonly message: string;
  /** 0x and 128 hex digits. */
  readonly signature: string;
}

/** The full signature, which makes a request valid, and what tells the request from all others of its hotkey. */
export interface FullSignature extends SignedText {
  /** Unique among the requests of the hotkey. */
  readonly id: string;
  /** How long after its date the request counts as fresh, in milliseconds. */
  readonly freshForMs: number;
}

/**
 * Verifies the full signature, and notes the request as served. A protocol calls it once, in `beforeBody` or in
 * `afterBody`.
 * @param check what else must hold of a request with a valid signature; throws a MinerError if it does not
 * @throws MinerError AXON_SIGNATURE_MISMATCH or AXON_REPLAY
 */
export type Verify = (signed: FullSignature, check?: () => void) => Promise<void>;

/** A request whose signature was verified, with its body. */
export interface VerifiedRequest<Claim extends SignedClaim> {
  readonly claim: Claim;
  readonly body: ReceivedBody;
  readonly deadline: Deadline;
  readonly record: RecordBuilder;
}

/** The media of a request, and the way back for its answer. */
export interface OpenedBody {
  readonly media: ReceivedBody | Pictures;
  /** Puts the prediction into words; the function that it returns starts to send them. */
  word(prediction: Prediction): (reply: FastifyReply) => FastifyReply;
}

/** A failed request, for the protocol that words the refusal. */
export interface Refusal<Claim extends SignedClaim> {
  readonly error: MinerError;
  /** Name of the route. */
  readonly route: string;
  /** Undefined if the headers could not be read. */
  readonly claim: Claim | undefined;
  readonly record: RecordBuilder;
}

/** How callers of one kind name themselves, what they sign, how they wrap media, and how they are answered. */
export interface SignedProtocol<Claim extends SignedClaim> {
  readonly bodyLimitBytes: number;
  /**
   * Reads the headers and checks their form, their receiver and their freshness.
   * @param arrivedAtMs unix time at which the headers had arrived
   * @throws MinerError with an AXON_ code
   */
  readClaim(headers: IncomingHttpHeaders, arrivedAtMs: number, route: string): Claim;
  /**
   * Verifies the signature if it covers headers alone.
   * @throws MinerError with an AXON_ code
   */
  beforeBody(claim: Claim, verify: Verify): Promise<void>;
  /**
   * Whether the caller shows without its body that it holds the key of the claimed hotkey.
   * @param holds whether a signature of the claimed hotkey is valid
   */
  prove(claim: Claim, holds: (signed: SignedText) => Promise<boolean>): Promise<boolean>;
  /** Which signals end the wait for the body. `stop` always does. */
  signalOf(signals: { readonly stop: AbortSignal; readonly deadline: AbortSignal }): AbortSignal;
  /**
   * Verifies the signature if it covers the body.
   * @param bodySha256Hex lower-case hex of SHA-256 over the body as sent
   * @throws MinerError AXON_SIGNATURE_MISMATCH or AXON_REPLAY
   */
  afterBody(claim: Claim, bodySha256Hex: string, verify: Verify): Promise<void>;
  /** Bytes of the body that go back with the answer. */
  returnedBytes(body: ReceivedBody): number;
  /**
   * Takes the media out of a verified body.
   * @throws MinerError AXON_SYNAPSE_INVALID, MEDIA_*, or the reason of the deadline's signal
   */
  openBody(request: VerifiedRequest<Claim>, route: string): Promise<OpenedBody>;
  /** Answers a failed request. */
  refuse(reply: FastifyReply, refusal: Refusal<Claim>): FastifyReply;
}
