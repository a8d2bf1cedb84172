import type { Clock } from '../clock.ts';

/** Bounds the requests without a signature, which cost a caller nothing, for each network address. */
export interface RequestRate {
  /** Takes one request from the credit of the address; false if it has none left. */
  take(remoteAddress: string): boolean;
  /** How many addresses are remembered: those without their full credit. */
  readonly size: number;
}

/** A monitoring tool asks once a second, and a browser a few times for a page. */
const CREDIT_PER_SECOND = 20;
const MAX_CREDIT = 400;
/** The address whose latest request is the oldest is forgotten first: it has regained the most credit. */
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
    take(remoteAddress) {
      const atMs = clock.monotonic();
      const known = accounts.get(remoteAddress);
      const credit = known === undefined ? MAX_CREDIT : creditOf(known, atMs);
      const isAllowed = credit >= 1;
      accounts.delete(remoteAddress);
      accounts.set(remoteAddress, { credit: isAllowed ? credit - 1 : credit, atMs });
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
