import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';

/** The room for bodies that are being received or worked on. */
export interface BodyBudget {
  /** Opens an account for one body; `close()` it when the request is over. */
  open(upload: Upload): Promise<BodyAccount>;
  status(): { claimedBytes: number; provenBytes: number; claimedUploads: number; totalBytes: number };
}

export interface Upload {
  /** Network address of the caller. */
  readonly address: string;
  /** ss58 address of the hotkey that the caller names. */
  readonly hotkey: string;
  /** Content-Length; undefined for a chunked body. */
  readonly declaredBytes: number | undefined;
  /** Checks, once and only when asked, whether the caller holds the key that it names; a rejection counts as no. */
  readonly prove: () => Promise<boolean>;
  /** Called when the upload must end because others need its room. */
  readonly evict: (reason: MinerError) => void;
}

export interface BodyAccount {
  /**
   * Takes room for bytes that have arrived.
   * @throws MinerError AXON_BUSY when there is none, even after longer uploads were ended
   */
  charge(bytes: number): Promise<void>;
  /** Average rate since the upload began, in bytes per second. */
  bytesPerSecond(): number;
  /** How long ago the upload began, in milliseconds. */
  ageMs(): number;
  /** Whether the caller has shown that it holds its key; asks for the proof when that was not done before. */
  proven(): Promise<boolean>;
  /** The request's full signature was verified: better than the proof, and the body now waits for its answer. */
  confirm(): void;
  /** Gives all room back. */
  close(): void;
}

interface BodyBudgetOptions {
  readonly totalBytes: number;
  /** Largest body of one request: no share is smaller than this. */
  readonly bodyLimitBytes: number;
  readonly clock: Clock;
}

/** Uploads of unproven callers at once, all together and of one address. */
const MAX_CLAIMED_UPLOADS = 512;
const MAX_CLAIMED_UPLOADS_PER_ADDRESS = 256;
/** Uploads of one hotkey that is proven, not verified, at once: its proof may have been copied. */
const MAX_PROVEN_UPLOADS_PER_HOTKEY = 256;
/** What every upload is credited with at its start, so that a first packet decides nothing. */
const CREDIT_BYTES = 64 * 1024;
const CREDIT_MS = 100;

interface Account {
  readonly upload: Upload;
  readonly openedAt: number;
  bytes: number;
  /** Undefined until the proof was asked for. */
  proof: Promise<boolean> | undefined;
  /** The hotkey is shown by its secret signature or by the full one. */
  isProven: boolean;
  /** The hotkey is shown by the full signature. */
  isVerified: boolean;
  isClosed: boolean;
}

/**
 * A budget in two halves. The signer that a request names is only a claim until its whole body is there, so claimed
 * callers share one half, and of that half one address gets at most half. A caller that proves its key (by the secret
 * signature that validators send) may also use the other half. The proof costs a signature check, so it is asked for
 * only when room is short. Then the claimed upload that will have held its room the longest makes way: however many slow
 * uploads name a validator, the validator's own requests find room, with or without the optional headers.
 *
 * The secret signature can be copied, and holds for about 20 s. So all proven uploads of one hotkey share a quarter of the
 * room until their full signature is verified, and make way only for one another, and for uploads of other proven hotkeys
 * if theirs hold more. What was verified never makes way.
 */
export function createBodyBudget(options: BodyBudgetOptions): BodyBudget {
  const { totalBytes, bodyLimitBytes, clock } = options;
  const claimedLimit = Math.max(totalBytes / 2, bodyLimitBytes);
  const addressLimit = Math.max(claimedLimit / 2, bodyLimitBytes);
  const hotkeyLimit = Math.max(totalBytes / 4, bodyLimitBytes);
  const accounts = new Set<Account>();

  const claimed = () => [...accounts].filter((account) => !account.isProven);
  const sum = (list: readonly Account[]) => list.reduce((total, account) => total + account.bytes, 0);
  const ageMs = (account: Account) => clock.monotonic() - account.openedAt;

  /** From its start to its end if it goes on at the rate it had so far: small and quick ones score low. */
  function expectedLifeMs(account: Account): number {
    const bytesPerMs = (account.bytes + CREDIT_BYTES) / (ageMs(account) + CREDIT_MS);
    const missing = Math.max(0, (account.upload.declaredBytes ?? bodyLimitBytes) - account.bytes);
    return ageMs(account) + missing / bytesPerMs;
  }

  /**
   * The accounts among which one must go before `account` may take `bytes` more; undefined: there is room. One that holds
   * no bytes yet gives none back: if bytes are short it stays.
   */
  function shortage(account: Account, bytes: number): Account[] | undefined {
    const all = claimed();
    const holding = (list: readonly Account[]) => list.filter((other) => other.bytes > 0);
    if (!account.isProven) {
      const same = all.filter((other) => other.upload.address === account.upload.address);
      if (same.length > MAX_CLAIMED_UPLOADS_PER_ADDRESS) return same;
      if (sum(same) + bytes > addressLimit) return holding(same);
      if (all.length > MAX_CLAIMED_UPLOADS) return all;
      if (sum(all) + bytes > claimedLimit) return holding(all);
    }
    if (account.isProven && !account.isVerified) {
      const same = provenBy(account.upload.hotkey);
      if (same.length > MAX_PROVEN_UPLOADS_PER_HOTKEY) return same;
      if (sum(same) + bytes > hotkeyLimit) return holding(same);
    }
    if (sum([...accounts]) + bytes <= totalBytes) return undefined;
    const spare = holding(all);
    return spare.length > 0 ? spare : holding(largestProven(sum(provenBy(account.upload.hotkey)) + bytes));
  }

  /** The uploads of a hotkey that is proven, not verified. */
  function provenBy(hotkey: string): Account[] {
    return [...accounts].filter(
      (account) => account.isProven && !account.isVerified && account.upload.hotkey === hotkey,
    );
  }

  /** The uploads of the proven hotkey that holds the most, if that is more than `bytes`. */
  function largestProven(bytes: number): Account[] {
    const hotkeys = new Set([...accounts].map(({ upload }) => upload.hotkey));
    const [largest = []] = [...hotkeys].map(provenBy).sort((a, b) => sum(b) - sum(a));
    return sum(largest) > bytes ? largest : [];
  }

  /** A proof that cannot be had, say because too many of the same address wait for theirs, is none. */
  async function prove(account: Account): Promise<boolean> {
    account.proof ??= account.upload.prove().catch(() => false);
    // Never unset: the full signature may have been verified in the meantime.
    if (await account.proof) account.isProven = true;
    return account.isProven;
  }

  /** Proves the account, or ends longer claimed uploads one by one, until the account may take `bytes` more. */
  async function makeRoom(account: Account, bytes: number): Promise<void> {
    for (let short = shortage(account, bytes); short !== undefined; short = shortage(account, bytes)) {
      if (account.isClosed) return;
      if (!account.isProven && (await prove(account))) continue;
      const [victim] = short
        .filter((other) => other !== account)
        .sort((a, b) => expectedLifeMs(b) - expectedLifeMs(a));
      if (victim === undefined || !mayEvict(account, victim)) {
        throw new MinerError('AXON_BUSY', 'uploads already take all the room there is');
      }
      if (!victim.isProven) await prove(victim);
      // Meanwhile it may have proven its key or ended, or the room may have come free.
      if (!shortage(account, bytes)?.includes(victim)) continue;
      close(victim);
      victim.upload.evict(new MinerError('AXON_BUSY', 'slow upload ended to make room'));
    }
  }

  /** Among the uploads of one hotkey, or of claimed callers, the one that will have held its room the longest goes. */
  function mayEvict(account: Account, victim: Account): boolean {
    const isAmongEquals = victim.isProven
      ? !account.isVerified && victim.upload.hotkey === account.upload.hotkey
      : !account.isProven;
    return !isAmongEquals || expectedLifeMs(victim) >= expectedLifeMs(account);
  }

  function close(account: Account): void {
    account.isClosed = true;
    accounts.delete(account);
  }

  return {
    async open(upload) {
      const account: Account = {
        upload,
        openedAt: clock.monotonic(),
        bytes: 0,
        proof: undefined,
        isProven: false,
        isVerified: false,
        isClosed: false,
      };
      accounts.add(account);
      try {
        await makeRoom(account, 0);
      } catch (error) {
        close(account);
        throw error;
      }
      return {
        async charge(bytes) {
          if (shortage(account, bytes) !== undefined) await makeRoom(account, bytes);
          account.bytes += bytes;
        },
        bytesPerSecond: () => (1000 * account.bytes) / Math.max(1, ageMs(account)),
        ageMs: () => ageMs(account),
        proven: () => prove(account),
        confirm() {
          account.proof = Promise.resolve(true);
          account.isProven = true;
          account.isVerified = true;
        },
        close: () => close(account),
      };
    },
    status: () => ({
      claimedBytes: sum(claimed()),
      provenBytes: sum([...accounts].filter((account) => account.isProven)),
      claimedUploads: claimed().length,
      totalBytes,
    }),
  };
}
