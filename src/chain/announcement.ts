/** The states of an announcement, for the status and for readiness. Set by the announcer. */

import type { ErrorCode } from '../errors.ts';

export type Announcement =
  | { readonly state: 'idle' }
  | { readonly state: 'checking' }
  | { readonly state: 'submitted' }
  /** The chain has held the address since `block`. `finalized`: no fork can undo that. */
  | {
      readonly state: 'announced';
      readonly ip: string;
      readonly port: number;
      readonly block: number;
      readonly finalized: boolean;
    }
  /** `untilMs` is Unix time in milliseconds. */
  | {
      readonly state: 'waiting';
      readonly reason: string;
      readonly refusal?: string;
      readonly untilBlock?: number;
      readonly untilMs?: number;
    }
  /** `refusal` is the chain's own name for the broken rule; `retryAtMs` is Unix time in milliseconds. */
  | {
      readonly state: 'failed';
      readonly code: ErrorCode;
      readonly refusal?: string;
      readonly reason: string;
      readonly retryAtMs: number;
    };

/** The axon entry of the hotkey on chain, as last read. */
export interface HeldAddress {
  /** IPv4 or IPv6 address. */
  readonly ip: string;
  readonly port: number;
  readonly block: number;
  /** Whether validators that read it call this axon; null while the address of this host is unknown. */
  readonly leadsHere: boolean | null;
  /** Whether another program than this miner announced it. */
  readonly isForeign: boolean;
}

/** Why there is no address to announce. */
export interface AddressProblem {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Unix time in milliseconds of the next search. */
  readonly retryAtMs: number;
}

export function isSameAnnouncement(a: Announcement, b: Announcement): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
