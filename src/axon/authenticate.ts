import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../clock.ts';
import { checkFreshness, type EpistulaClaim, readClaim } from '../epistula/headers.ts';
import { requestMessage, secretMessages } from '../epistula/messages.ts';
import type { ReplayGuard } from '../epistula/replay-guard.ts';
import type { SignatureVerifier } from '../epistula/signature-verifier.ts';
import { MinerError } from '../errors.ts';

/** A registered hotkey as the chain's table of the subnet has it. */
export interface Signer {
  readonly uid: number;
  /** Combined stake weight (alpha and weighted root TAO) in TAO. */
  readonly stakeTao: number;
}

/** Where signers are looked up: the last good table of the subnet's hotkeys. */
export interface SignerTable {
  readonly signersKnown: boolean;
  signer(hotkey: string): Signer | undefined;
  /** Reads the table anew; shared and rate-limited, never rejects. */
  refreshSigners(timeoutMs: number): Promise<void>;
}

/** Who calls, as far as the headers and the chain's table tell: everything but the proof. */
export interface Caller {
  readonly claim: EpistulaClaim;
  readonly signer: Signer;
}

interface AuthenticatorOptions {
  /** ss58 address of this miner's hotkey. */
  readonly hotkey: string;
  readonly minStakeTao: number;
  readonly futureToleranceMs: number;
  readonly signers: SignerTable;
  readonly replayGuard: ReplayGuard;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
}

/** Decides who may be served: cheap checks first, then the chain's table, then, once the body is there, the signature. */
export interface Authenticator {
  /**
   * Judges the headers. Runs before a body byte is read; may wait up to 2 s for a fresh table.
   * @param arrivedAtMs unix time at which the headers had arrived
   * @param address network address of the caller
   * @throws MinerError with an AXON_ code
   */
  identify(headers: IncomingHttpHeaders, arrivedAtMs: number, address: string): Promise<Caller>;
  /** Whether the caller's secret signature shows that it holds the key it names. */
  prove(claim: EpistulaClaim, address: string): Promise<boolean>;
  /**
   * Verifies the request signature over the body and notes the request as served.
   * @throws MinerError AXON_SIGNATURE_MISMATCH or AXON_REPLAY
   */
  verify(claim: EpistulaClaim, bodySha256Hex: string, address: string): Promise<void>;
}

const SIGNER_REFRESH_TIMEOUT_MS = 2_000;
/**
 * Strangers of one address that may wait for a fresh table at once; more are refused by the table at hand. Addresses
 * don't compete: however many strangers one sends, a validator that has just registered gets its look.
 */
const MAX_WAITING_STRANGERS_PER_ADDRESS = 8;

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { hotkey, minStakeTao, futureToleranceMs, signers, replayGuard, verifier, clock } = options;
  /** Strangers that wait for a fresh table, by address. */
  const waitingStrangers = new Map<string, number>();

  /** The signer by the table; a stranger gets one look at a fresh table, since it may have just registered. */
  async function lookUp(hotkeyAddress: string, address: string): Promise<Signer | undefined> {
    const known = signers.signer(hotkeyAddress);
    const waiting = waitingStrangers.get(address) ?? 0;
    if (known !== undefined || waiting >= MAX_WAITING_STRANGERS_PER_ADDRESS) return known;
    waitingStrangers.set(address, waiting + 1);
    try {
      await signers.refreshSigners(SIGNER_REFRESH_TIMEOUT_MS);
    } finally {
      const left = (waitingStrangers.get(address) ?? 1) - 1;
      if (left === 0) waitingStrangers.delete(address);
      else waitingStrangers.set(address, left);
    }
    return signers.signer(hotkeyAddress);
  }

  return {
    async identify(headers, arrivedAtMs, address) {
      const claim = readClaim(headers, hotkey);
      checkFreshness(claim.timestampMs, arrivedAtMs, futureToleranceMs);
      if (claim.timestampMs < replayGuard.trustsFromMs) {
        throw new MinerError('AXON_REPLAY_UNKNOWN', 'just restarted; this request could be a replay', {
          fields: { untilMs: replayGuard.trustsFromMs - clock.now() },
        });
      }
      const signer = await lookUp(claim.signedBy, address);
      const fields = { claimedHotkey: claim.signedBy };
      if (signer === undefined && !signers.signersKnown) {
        throw new MinerError('AXON_SIGNERS_UNKNOWN', 'the chain has not been read yet');
      }
      if (signer === undefined) {
        throw new MinerError('AXON_SIGNER_UNKNOWN', 'Signer not in metagraph', { fields });
      }
      if (signer.stakeTao < minStakeTao) {
        throw new MinerError('AXON_SIGNER_STAKE', `Signer stake ${signer.stakeTao} is below ${minStakeTao}`, {
          fields,
        });
      }
      return { claim, signer };
    },

    async prove({ secretSignature, timestampMs, signedFor, signedBy }, address) {
      if (secretSignature === undefined) return false;
      const [, message] = secretMessages(timestampMs, signedFor);
      return verifier.verify({ message, signature: secretSignature, address: signedBy }, address);
    },

    async verify(claim, bodySha256Hex, address) {
      const message = requestMessage({ bodySha256Hex, ...claim });
      const valid = await verifier.verify(
        { message, signature: claim.signature, address: claim.signedBy },
        address,
      );
      if (!valid) throw new MinerError('AXON_SIGNATURE_MISMATCH', 'Signature Mismatch');
      if (!replayGuard.remember(claim.signedBy, claim.uuid, claim.timestampMs)) {
        throw new MinerError('AXON_REPLAY', 'request was already served');
      }
    },
  };
}
