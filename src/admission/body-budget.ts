// The room for bodies that are being received or worked on, and whose upload ends if room is short.
// The assembly makes it; signed-request.ts opens an account for each body.
import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';

export interface BodyBudget {
  /** Opens an account for one body; `close()` it when the request is over. */
  open(upload: Upload): Promise<BodyAccount>;
  status(): { claimedBytes: number; provenBytes: number; claimedUploads: number; totalBytes: number };
}

export interface Upload {
  /** Network address of the caller. */
  readonly remoteAddress: string;
  /** Claimed hotkey of the request. */
  readonly hotkey: string;
  /** Content-Length; undefined for a chunked body. */
  readonly declaredBytes: number | undefined;
  /** Checks whether the caller holds the key of the claimed hotkey. Called at most once; a rejection counts as no. */
  readonly prove: () => Promise<boolean>;
  /** Called if the upload must end because others need its room. */
  readonly evict: (reason: MinerError) => void;
}

export interface BodyAccount {
  /**
   * Takes room for bytes that have arrived.
   * @throws MinerError AXON_BUSY if there is none, even after longer uploads were ended
   */
  charge(bytes: number): Promise<void>;
  /** Average rate since the upload began, in bytes per second. */
  bytesPerSecond(): number;
  /** How long ago the upload began, in milliseconds. */
  ageMs(): number;
  /** Whether the hotkey is proven; asks for the proof if that was not done before. */
  proven(): Promise<boolean>;
  /** Notes that the full signature of the request was verified, which counts for more than the proof. */
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

/** Claimed uploads at once: in all, and from one network address. */
const MAX_CLAIMED_UPLOADS = 512;
const MAX_CLAIMED_UPLOADS_PER_ADDRESS = 256;
/** Uploads at once of one hotkey that is proven and not verified: its proof may have been copied. */
const MAX_PROVEN_UPLOADS_PER_HOTKEY = 256;
/** Credited to every upload at its start, so that its first packet does not decide its rate. */
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
 * A budget in two halves. The hotkey of a request is only claimed until its whole body is there. So claimed uploads share
 * one half, and those of one network address get at most half of that. An upload whose hotkey is proven, by the secret
 * signature that validators send, may also use the other half. The proof costs a signature check, so it is asked for only
 * if room is short. Then the claimed upload that would hold its room the longest makes way. Many slow uploads that claim
 * a validator's hotkey thus leave room for the validator's own requests, with or without the optional headers.
 *
 * The secret signature can be copied for about 20 s. So all proven uploads of one hotkey share a quarter of the room until
 * their full signature is verified. They make way only for one another, and for uploads of another proven hotkey that
 * holds less. A verified upload never makes way.
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

  /** How long the upload lasts from start to end at its rate so far; short for small and quick ones. */
  function expectedLifeMs(account: Account): number {
    const bytesPerMs = (account.bytes + CREDIT_BYTES) / (ageMs(account) + CREDIT_MS);
    const missing = Math.max(0, (account.upload.declaredBytes ?? bodyLimitBytes) - account.bytes);
    return ageMs(account) + missing / bytesPerMs;
  }

  /**
   * The accounts of which one must end before `account` may take `bytes` more; undefined if there is room. If bytes are
   * short, accounts that hold no bytes are not among them.
   */
  function shortage(account: Account, bytes: number): Account[] | undefined {
    const all = claimed();
    const holding = (list: readonly Account[]) => list.filter((other) => other.bytes > 0);
    if (!account.isProven) {
      const same = all.filter((other) => other.upload.remoteAddress === account.upload.remoteAddress);
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

  /** The uploads of a hotkey that are proven and not verified. */
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

  /** A proof that cannot be checked counts as none, for example if too many of the same address wait for theirs. */
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
        throw new MinerError('AXON_BUSY', 'there is no room for another upload');
      }
      if (!victim.isProven) await prove(victim);
      // By now it may be proven or have ended, or there may be room.
      if (!shortage(account, bytes)?.includes(victim)) continue;
      close(victim);
      victim.upload.evict(new MinerError('AXON_BUSY', 'a slow upload was ended to make room for others'));
    }
  }

  /** Among uploads of one hotkey, or among claimed ones, only one that lasts at least as long as `account` makes way. */
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
