// Verifies the signatures of requests, and that each request is served once. Both signed protocols use it.
import type { ReplayGuard } from '../epistula/replay-guard.ts';
import type { SignatureVerifier } from '../epistula/signature-verifier.ts';
import { MinerError } from '../errors.ts';
import type { SignedClaim } from './signed-protocol.ts';

/** The signature that makes a request valid, and what tells the request from all others of the same hotkey. */
interface SignedMessage {
  readonly message: string;
  /** 0x and 128 hex digits. */
  readonly signature: string;
  /** Unique among the requests of the hotkey. */
  readonly id: string;
  /** What the path asks for: the signature does not cover it. */
  readonly task: string;
  /** How long after its date the request counts as fresh, in milliseconds. */
  readonly freshForMs: number;
}

export interface SignatureCheck {
  /** Whether a signature of the hotkey holds; nothing is noted. */
  holds(
    signed: { readonly message: string; readonly signature: string; readonly hotkey: string },
    remoteAddress: string,
  ): Promise<boolean>;
  /**
   * Verifies the full signature and notes the request as served, in one synchronous step.
   * @throws MinerError AXON_SIGNATURE_MISMATCH or AXON_REPLAY
   */
  accept(claim: SignedClaim, signed: SignedMessage, remoteAddress: string): Promise<void>;
}

interface SignatureCheckOptions {
  readonly verifier: Pick<SignatureVerifier, 'verify'>;
  readonly replayGuard: Pick<ReplayGuard, 'remember'>;
}

export function createSignatureCheck({ verifier, replayGuard }: SignatureCheckOptions): SignatureCheck {
  return {
    holds: (signed, remoteAddress) => verifier.verify(signed, remoteAddress),
    async accept({ hotkey, timestampMs }, { message, signature, id, task, freshForMs }, remoteAddress) {
      if (!(await verifier.verify({ message, signature, hotkey }, remoteAddress))) {
        throw new MinerError('AXON_SIGNATURE_MISMATCH', 'Signature Mismatch');
      }
      if (!replayGuard.remember({ hotkey, id, task, timestampMs, freshForMs })) {
        throw new MinerError('AXON_REPLAY', 'request was already served');
      }
    },
  };
}
