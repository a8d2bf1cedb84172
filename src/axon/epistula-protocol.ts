// Epistula, the protocol of the subnet's validators: the signature covers the body, which is the media itself.
import {
  checkFreshness,
  type EpistulaClaim,
  readClaim,
  requestMessage,
  STALE_AFTER_MS,
  secretMessages,
} from '../epistula/headers.ts';
import { sendError, sendPrediction } from './replies.ts';
import type { SignatureCheck } from './signature-check.ts';
import type { SignedProtocol } from './signed-protocol.ts';

interface EpistulaProtocolOptions {
  /** This miner's hotkey. */
  readonly hotkey: string;
  /** How far ahead of our clock a request may be dated, in milliseconds. */
  readonly futureToleranceMs: number;
  readonly bodyLimitBytes: number;
  readonly signatures: SignatureCheck;
}

export function createEpistulaProtocol(options: EpistulaProtocolOptions): SignedProtocol<EpistulaClaim> {
  const { hotkey: receiver, futureToleranceMs, bodyLimitBytes, signatures } = options;
  return {
    bodyLimitBytes,
    readClaim(headers, arrivedAtMs) {
      const claim = readClaim(headers, receiver);
      checkFreshness(claim.timestampMs, arrivedAtMs, futureToleranceMs);
      return claim;
    },
    beforeBody: async () => undefined,
    async prove({ hotkey, secretSignature: signature, timestampMs, signedFor }, remoteAddress) {
      if (signature === undefined) return false;
      const [, message] = secretMessages(timestampMs, signedFor);
      return signatures.holds({ message, signature, hotkey }, remoteAddress);
    },
    // Not the deadline: a copy that ends late must still be read before it can be refused as a replay.
    signalOf: ({ stop }) => stop,
    afterBody(claim, bodySha256Hex, { remoteAddress, task, verify }) {
      const message = requestMessage({ bodySha256Hex, ...claim });
      const { signature, uuid: id } = claim;
      const signed = { message, signature, id, task, freshForMs: STALE_AFTER_MS };
      return verify(() => signatures.accept(claim, signed, remoteAddress));
    },
    returnedBytes: () => 0,
    openBody: async ({ body }) => ({
      media: body,
      word: (prediction) => (reply) => sendPrediction(reply, prediction),
    }),
    refuse: (reply, { error }) => sendError(reply, error),
  };
}
