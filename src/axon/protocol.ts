import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { MinerError } from '../errors.ts';
import type { RecordBuilder } from '../telemetry/request-record.ts';
import type { SignedClaim, Signer } from './gates.ts';

/** Who calls, as far as the headers and the chain's table tell: everything but the proof. */
export interface Caller<Claim extends SignedClaim> {
  readonly claim: Claim;
  readonly signer: Signer;
}

/** A failed request, for the one who words the refusal. */
export interface Refusal<Claim extends SignedClaim> {
  readonly error: MinerError;
  /** Name of the route. */
  readonly route: string;
  /** Undefined where the headers did not even parse. */
  readonly claim: Claim | undefined;
  readonly record: RecordBuilder;
}

/** How callers of one kind name themselves, what they sign, and how they are refused. */
interface Protocol<Claim extends SignedClaim> {
  readonly bodyLimitBytes: number;
  /**
   * Reads the headers and judges all of them but the signer. Runs before a body byte is read.
   * @param arrivedAtMs unix time at which the headers had arrived
   * @throws MinerError with an AXON_ code
   */
  readClaim(headers: IncomingHttpHeaders, arrivedAtMs: number, route: string): Claim;
  /**
   * Judges the signer by the chain's table; may wait up to 2 s for a fresh one.
   * @param address network address of the caller
   * @throws MinerError with an AXON_ code
   */
  admit(claim: Claim, address: string): Promise<Caller<Claim>>;
  refuse(reply: FastifyReply, refusal: Refusal<Claim>): FastifyReply;
}

/** Where a request comes from, and what its path asks for. */
export interface Arrival {
  /** Network address of the caller. */
  readonly address: string;
  /** The same for all paths that ask for the same. */
  readonly task: string;
}

/** The signature covers the body too, so it is verified when that is there. */
export interface BodySignedProtocol<Claim extends SignedClaim> extends Protocol<Claim> {
  readonly covers: 'body';
  /** Whether the caller has shown already, without its body, that it holds the key it names. */
  prove(claim: Claim, address: string): Promise<boolean>;
  /**
   * Verifies the signature over the body and notes the request as served.
   * @throws MinerError AXON_SIGNATURE_MISMATCH or AXON_REPLAY
   */
  verify(claim: Claim, bodySha256Hex: string, arrival: Arrival): Promise<void>;
}

/** The signature covers headers alone, so it is verified before a byte of the body is read. */
export interface HeaderSignedProtocol<Claim extends SignedClaim> extends Protocol<Claim> {
  readonly covers: 'headers';
  /**
   * Verifies the signature and notes the request as served.
   * @throws MinerError with an AXON_ code
   */
  verify(claim: Claim, arrival: Arrival): Promise<void>;
}

export type SignedProtocol<Claim extends SignedClaim> =
  | BodySignedProtocol<Claim>
  | HeaderSignedProtocol<Claim>;
