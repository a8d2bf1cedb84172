import type { ClockSkew } from '../admission/clock-skew.ts';
import type { Logger } from '../telemetry/logger.ts';

/** How right the clock of this host is; plain JSON. Offsets are positive where our clock is ahead. */
interface ClockStatus {
  /** The best estimate; null until there is one. */
  readonly offsetMs: number | null;
  /** Whether that is too much. */
  readonly isOff: boolean;
  readonly chainOffsetMs: number | null;
  readonly callers: ReturnType<ClockSkew['typical']> | null;
}

export interface ClockCheck {
  /** Compares anew, and logs when the clock has become wrong, or right again. */
  check(): void;
  status(): ClockStatus;
}

interface ClockCheckOptions {
  readonly chainOffsetMs: () => number | undefined;
  readonly callers: ClockSkew['typical'];
  readonly logger: Logger;
}

/** Requests are refused as stale at 8 s, so there is time to mend it. */
const WARN_OVER_MS = 2_000;
/** So many callers know better than the chain, whose blocks may take seconds to arrive. */
const ENOUGH_CALLERS = 3;

/** Compares the clock of this host with the chain's blocks and the requests of verified callers. */
export function createClockCheck({ chainOffsetMs, callers, logger }: ClockCheckOptions): ClockCheck {
  let wasOff = false;

  function status(): ClockStatus {
    const chain = chainOffsetMs() ?? null;
    const typical = callers() ?? null;
    const trusted = typical !== null && (typical.callers >= ENOUGH_CALLERS || chain === null);
    const offsetMs = trusted ? typical.offsetMs : chain;
    const isOff = offsetMs !== null && Math.abs(offsetMs) > WARN_OVER_MS;
    return { offsetMs, isOff, chainOffsetMs: chain, callers: typical };
  }

  return {
    status,
    check() {
      const { offsetMs, isOff } = status();
      if (isOff === wasOff) return;
      wasOff = isOff;
      if (isOff) logger.warn({ offsetMs }, 'clock of this host is off; set it by NTP');
      else logger.info({ offsetMs }, 'clock of this host is right again');
    },
  };
}
