import type { Clock } from '../clock.ts';

/** How many requests an address may make that cost it nothing: those that carry no signature. */
export interface RequestRate {
  /** Takes one from the address's credit; false if it has none left. */
  take(address: string): boolean;
  /** Addresses that are remembered: those that have not all of their credit. */
  readonly size: number;
}

/** A monitoring tool asks once a second; a page that is read by a person, a few times. */
const CREDIT_PER_SECOND = 20;
const MAX_CREDIT = 400;
/** The address that asked the longest ago goes first; it has regained the most. */
const MAX_ADDRESSES = 4_096;

interface Account {
  readonly credit: number;
  readonly atMs: number;
}

export function createRequestRate(clock: Pick<Clock, 'monotonic'>): RequestRate {
  /** In the order of the latest request. */
  const accounts = new Map<string, Account>();

  function creditOf({ credit, atMs }: Account, nowMs: number): number {
    return Math.min(MAX_CREDIT, credit + ((nowMs - atMs) * CREDIT_PER_SECOND) / 1000);
  }

  return {
    take(address) {
      const atMs = clock.monotonic();
      const known = accounts.get(address);
      const credit = known === undefined ? MAX_CREDIT : creditOf(known, atMs);
      const isAllowed = credit >= 1;
      accounts.delete(address);
      accounts.set(address, { credit: isAllowed ? credit - 1 : credit, atMs });
      for (const [oldest, account] of accounts) {
        if (accounts.size <= MAX_ADDRESSES && creditOf(account, atMs) < MAX_CREDIT) break;
        accounts.delete(oldest);
      }
      return isAllowed;
    },
    get size() {
      return accounts.size;
    },
  };
}
