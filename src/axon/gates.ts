import type { Clock } from '../clock.ts';
import type { ReplayGuard } from '../epistula/replay-guard.ts';
import type { SignatureVerifier } from '../epistula/signature-verifier.ts';
import { MinerError } from '../errors.ts';

/** What every signed request says of itself. Until its signature is verified all of it is only a claim. */
export interface SignedClaim {
  /** ss58 address of the sender's hotkey. */
  readonly signedBy: string;
  /** Unix time in milliseconds at which the sender made the headers. */
  readonly timestampMs: number;
  /** How long after that the sender waits for an answer, where it says so. */
  readonly timeoutMs?: number;
}

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

/** A signature that makes a request the signer's, and what tells that request from all others of the same signer. */
interface SignedMessage {
  readonly message: string;
  readonly signature: string;
  /** Unique among the signer's requests. */
  readonly id: string;
  /** What the path asks for: the signature does not cover it. */
  readonly task: string;
  /** How long after its date the request counts as fresh, in milliseconds. */
  readonly freshForMs: number;
}

/** What every request must pass, in whatever protocol it comes. */
export interface Gates {
  /**
   * Admits a signer by the chain's table; may wait up to 2 s for a fresh one.
   * @param address network address of the caller
   * @throws MinerError AXON_REPLAY_UNKNOWN, AXON_SIGNERS_UNKNOWN, AXON_SIGNER_UNKNOWN or AXON_SIGNER_STAKE
   */
  admit(claim: SignedClaim, address: string): Promise<Signer>;
  /** Whether a signature of the named signer holds; nothing is noted. */
  holds(claim: SignedClaim, message: string, signature: string, address: string): Promise<boolean>;
  /**
   * Verifies the signature that makes a request valid and notes the request as served, in one synchronous step.
   * @throws MinerError AXON_SIGNATURE_MISMATCH or AXON_REPLAY
   */
  accept(claim: SignedClaim, signed: SignedMessage, address: string): Promise<void>;
}

interface GatesOptions {
  readonly minStakeTao: number;
  readonly signers: SignerTable;
  readonly replayGuard: ReplayGuard;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
}

const SIGNER_REFRESH_TIMEOUT_MS = 2_000;
/**
 * Strangers of one address that may wait for a fresh table at once; more are refused by the table at hand. Addresses
 * don't compete: however many strangers one sends, a validator that has just registered gets its look.
 */
const MAX_WAITING_STRANGERS_PER_ADDRESS = 8;

export function createGates({ minStakeTao, signers, replayGuard, verifier, clock }: GatesOptions): Gates {
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

  const holds: Gates['holds'] = (claim, message, signature, address) =>
    verifier.verify({ message, signature, address: claim.signedBy }, address);

  return {
    async admit({ signedBy, timestampMs }, address) {
      if (timestampMs < replayGuard.trustsFromMs) {
        throw new MinerError('AXON_REPLAY_UNKNOWN', 'just restarted; this request could be a replay', {
          fields: { untilMs: replayGuard.trustsFromMs - clock.now() },
        });
      }
      const signer = await lookUp(signedBy, address);
      const fields = { claimedHotkey: signedBy };
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
      return signer;
    },
    holds,
    async accept(claim, { message, signature, id, task, freshForMs }, address) {
      if (!(await holds(claim, message, signature, address))) {
        throw new MinerError('AXON_SIGNATURE_MISMATCH', 'Signature Mismatch');
      }
      const { signedBy, timestampMs } = claim;
      if (!replayGuard.remember({ signedBy, id, task, timestampMs, freshForMs })) {
        throw new MinerError('AXON_REPLAY', 'request was already served');
      }
    },
  };
}
