import type { ClockSkew } from '../admission/clock-skew.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Whether the clock of this host is right; plain JSON. Offsets are positive if our clock is ahead. */
interface ClockStatus {
  /** The best estimate; null until there is one. */
  readonly offsetMs: number | null;
  /** Whether the clock of this host is known to be off by too much. */
  readonly isOff: boolean;
  readonly chainOffsetMs: number | null;
  readonly callers: ReturnType<ClockSkew['typical']> | null;
  /** What is wrong and what to do, in a sentence; null if nothing is wrong. */
  readonly warning: string | null;
}

export interface ClockCheck {
  /** Compares the clocks, and logs when the clock or the node has become wrong or right. */
  check(): void;
  status(): ClockStatus;
}

interface ClockCheckOptions {
  /** See `BlockClock`: positive if blocks arrive late, negative if they seem to come from the future. */
  readonly chainOffsetMs: () => number | undefined;
  readonly skew: Pick<ClockSkew, 'typical' | 'agreedOffsetMs'>;
  readonly logger: Logger;
}

/** Requests are refused as stale at 8 s, so there is time to set the clock. */
const WARN_OVER_MS = 2_000;

/**
 * Late blocks alone do not show whether our clock is fast or the node is behind; the clocks of callers do. Blocks from the
 * future show that our clock is slow, because no block arrives before it was made.
 */
type Fault = 'clock' | 'node' | 'clock or node';

const BEGINS: Readonly<Record<Fault, string>> = {
  clock: 'clock of this host is off; set it by NTP',
  node: 'node is behind: its blocks arrive late',
  'clock or node': 'blocks arrive late: the node is behind, or the clock of this host is fast',
};
const ENDS: Readonly<Record<Fault, string>> = {
  clock: 'clock of this host is right again',
  node: 'blocks arrive in time again',
  'clock or node': 'blocks arrive in time again',
};

/** Compares the clock of this host with the chain's blocks and the requests of verified callers. */
export function createClockCheck({ chainOffsetMs, skew, logger }: ClockCheckOptions): ClockCheck {
  let was: Fault | undefined;

  function look(): { status: ClockStatus; fault: Fault | undefined } {
    const chain = chainOffsetMs();
    const callers = skew.typical();
    const byCallers = skew.agreedOffsetMs() ?? (chain === undefined ? callers?.offsetMs : undefined);
    const fault = faultOf(byCallers, chain);
    const offsetMs = byCallers ?? chain ?? null;
    return {
      fault,
      status: {
        offsetMs,
        isOff: fault === 'clock',
        chainOffsetMs: chain ?? null,
        callers: callers ?? null,
        warning: fault === undefined ? null : warningOf(fault, fault === 'node' ? chain : offsetMs),
      },
    };
  }

  return {
    status: () => look().status,
    check() {
      const { fault, status } = look();
      if (fault === was) return;
      const { offsetMs, chainOffsetMs: lateMs } = status;
      if (fault !== undefined) logger.warn({ offsetMs, chainOffsetMs: lateMs }, BEGINS[fault]);
      else if (was !== undefined) logger.info({ offsetMs, chainOffsetMs: lateMs }, ENDS[was]);
      was = fault;
    },
  };
}

/** @param byCallers offset by the clocks of callers, @param chain by the times of blocks; in milliseconds */
function faultOf(byCallers: number | undefined, chain: number | undefined): Fault | undefined {
  if (byCallers !== undefined && Math.abs(byCallers) > WARN_OVER_MS) return 'clock';
  if (chain === undefined) return undefined;
  if (byCallers !== undefined) return chain > WARN_OVER_MS ? 'node' : undefined;
  if (chain < -WARN_OVER_MS) return 'clock';
  return chain > WARN_OVER_MS ? 'clock or node' : undefined;
}

function warningOf(fault: Fault, offsetMs: number | null | undefined): string {
  const seconds = (Math.abs(offsetMs ?? 0) / 1000).toFixed(1);
  switch (fault) {
    case 'clock':
      return `the clock of this host is ${seconds} s ${(offsetMs ?? 0) > 0 ? 'fast' : 'slow'}; set it by NTP`;
    case 'node':
      return `the blocks of the node arrive ${seconds} s late: the node is behind, the clock of this host is right`;
    case 'clock or node':
      return `blocks arrive ${seconds} s late: the node is behind, or the clock of this host is fast (chronyc tracking tells)`;
  }
}
