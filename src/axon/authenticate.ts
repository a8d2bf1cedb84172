import { checkFreshness, type EpistulaClaim, readClaim, STALE_AFTER_MS } from '../epistula/headers.ts';
import { requestMessage, secretMessages } from '../epistula/messages.ts';
import type { Gates } from './gates.ts';
import type { BodySignedProtocol } from './protocol.ts';
import { sendError } from './replies.ts';

interface AuthenticatorOptions {
  /** ss58 address of this miner's hotkey. */
  readonly hotkey: string;
  readonly futureToleranceMs: number;
  readonly bodyLimitBytes: number;
  readonly gates: Gates;
}

/** Epistula, as validators speak it: cheap checks first, then the chain's table, then, once the body is there, the signature. */
export function createAuthenticator(options: AuthenticatorOptions): BodySignedProtocol<EpistulaClaim> {
  const { hotkey, futureToleranceMs, bodyLimitBytes, gates } = options;
  return {
    covers: 'body',
    bodyLimitBytes,
    readClaim(headers, arrivedAtMs) {
      const claim = readClaim(headers, hotkey);
      checkFreshness(claim.timestampMs, arrivedAtMs, futureToleranceMs);
      return claim;
    },
    admit: async (claim, address) => ({ claim, signer: await gates.admit(claim, address) }),
    async prove(claim, address) {
      const { secretSignature, timestampMs, signedFor } = claim;
      if (secretSignature === undefined) return false;
      const [, message] = secretMessages(timestampMs, signedFor);
      return gates.holds(claim, message, secretSignature, address);
    },
    verify(claim, bodySha256Hex, { address, task }) {
      const message = requestMessage({ bodySha256Hex, ...claim });
      const { signature, uuid: id } = claim;
      return gates.accept(claim, { message, signature, id, task, freshForMs: STALE_AFTER_MS }, address);
    },
    refuse: (reply, { error }) => sendError(reply, error),
  };
}
