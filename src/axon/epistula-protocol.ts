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
import type { SignedProtocol } from './signed-protocol.ts';

interface EpistulaProtocolOptions {
  /** This miner's hotkey. */
  readonly hotkey: string;
  /** How far ahead of our clock a request may be dated, in milliseconds. */
  readonly futureToleranceMs: number;
  readonly bodyLimitBytes: number;
}

export function createEpistulaProtocol(options: EpistulaProtocolOptions): SignedProtocol<EpistulaClaim> {
  const { hotkey: receiver, futureToleranceMs, bodyLimitBytes } = options;
  return {
    bodyLimitBytes,
    readClaim(headers, arrivedAtMs) {
      const claim = readClaim(headers, receiver);
      checkFreshness(claim.timestampMs, arrivedAtMs, futureToleranceMs);
      return claim;
    },
    beforeBody: async () => undefined,
    async prove({ secretSignature: signature, timestampMs, signedFor }, holds) {
      if (signature === undefined) return false;
      const [, message] = secretMessages(timestampMs, signedFor);
      return holds({ message, signature });
    },
    // Not the deadline: a copy that ends late must still be read before it can be refused as a replay.
    signalOf: ({ stop }) => stop,
    afterBody(claim, bodySha256Hex, verify) {
      const message = requestMessage({ bodySha256Hex, ...claim });
      const { signature, uuid: id } = claim;
      return verify({ message, signature, id, freshForMs: STALE_AFTER_MS });
    },
    returnedBytes: () => 0,
    openBody: async ({ body }) => ({
      media: body,
      word: (prediction) => (reply) => sendPrediction(reply, prediction),
    }),
    refuse: (reply, { error }) => sendError(reply, error),
  };
}
