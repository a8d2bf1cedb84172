// Decides whether the claimed hotkey of a request may call: it must be in the signer table, with enough stake.
import { MinerError } from '../errors.ts';

/** A hotkey of the signer table. */
export interface KnownSigner {
  readonly uid: number;
  /** Combined stake weight (alpha and weighted root TAO) in TAO. */
  readonly stakeTao: number;
}

/** The signer table, as far as requests need it. */
export interface SignerLookup {
  /** Whether there is a table that is young enough to judge by. */
  readonly signersKnown: boolean;
  signer(hotkey: string): KnownSigner | undefined;
  /** Reads the table from the chain again; shared and rate-limited, never rejects. */
  refreshSigners(timeoutMs: number): Promise<void>;
}

/**
 * Looks the claimed hotkey up in the signer table; may wait up to 2 s for a fresh one.
 * @param remoteAddress network address of the caller
 * @throws MinerError AXON_SIGNERS_UNKNOWN, AXON_SIGNER_UNKNOWN or AXON_SIGNER_STAKE
 */
export type StakeCheck = (hotkey: string, remoteAddress: string) => Promise<KnownSigner>;

const REFRESH_TIMEOUT_MS = 2_000;
/**
 * Unknown hotkeys of one network address that may wait for a fresh table at once; more of them are judged by the present
 * table. Addresses do not compete: a validator that has just registered gets its look, however many unknown hotkeys
 * another address sends.
 */
const MAX_WAITING_UNKNOWN_PER_ADDRESS = 8;

/** @param options.minStakeTao stake weight in TAO that a caller needs */
export function createStakeCheck({
  minStakeTao,
  signers,
}: {
  readonly minStakeTao: number;
  readonly signers: SignerLookup;
}): StakeCheck {
  /** How many unknown hotkeys wait for a fresh table, by network address. */
  const waitingUnknown = new Map<string, number>();

  /** An unknown hotkey gets one look at a fresh table: it may have just registered. */
  async function lookUp(hotkey: string, remoteAddress: string): Promise<KnownSigner | undefined> {
    const known = signers.signer(hotkey);
    const waiting = waitingUnknown.get(remoteAddress) ?? 0;
    if (known !== undefined || waiting >= MAX_WAITING_UNKNOWN_PER_ADDRESS) return known;
    waitingUnknown.set(remoteAddress, waiting + 1);
    try {
      await signers.refreshSigners(REFRESH_TIMEOUT_MS);
    } finally {
      const left = (waitingUnknown.get(remoteAddress) ?? 1) - 1;
      if (left === 0) waitingUnknown.delete(remoteAddress);
      else waitingUnknown.set(remoteAddress, left);
    }
    return signers.signer(hotkey);
  }

  return async (hotkey, remoteAddress) => {
    const signer = await lookUp(hotkey, remoteAddress);
    const fields = { claimedHotkey: hotkey };
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
  };
}
