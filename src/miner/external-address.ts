import { setTimeout as sleep } from 'node:timers/promises';
import type { Chain } from '../chain/chain.ts';
import type { Clock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { type ExternalIp, IP_SOURCES, resolveExternalIp } from '../net/external-ip.ts';
import type { Logger } from '../telemetry/logger.ts';

/** How often the address is looked up; in milliseconds. */
interface Pace {
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** How long a known address is believed. */
  readonly lookAgainMs: number;
  /** How long another address has to last before it is believed. */
  readonly confirmMs: number;
}

interface ExternalAddressParts {
  readonly chain: Pick<Chain, 'announce' | 'lackAddress'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Asks a source for the address of this host; the platform's own when absent. */
  readonly fetch?: Parameters<typeof resolveExternalIp>[0]['fetch'];
  readonly pace?: Pace;
}

const IP_TIMEOUT_MS = 10_000;
const PACE: Pace = {
  firstRetryMs: 5_000,
  longestRetryMs: 300_000,
  lookAgainMs: 600_000,
  confirmMs: 30_000,
};

/**
 * Finds the address at which validators reach this axon and hands it to the chain client, for as long as the process
 * lives: homes and clouds change addresses. One that differs from the last is looked up once more before it is
 * believed. A wrong address is an error line, never the end of the process. Resolves once `signal` is aborted.
 */
export async function keepAddressAnnounced(config: MinerConfig, parts: ExternalAddressParts): Promise<void> {
  const { chain, logger, clock, signal, fetch: ask = fetch, pace = PACE } = parts;
  let announced: string | undefined;
  let unconfirmed: string | undefined;
  let failures = 0;
  const retryMs = (): number => Math.min(pace.longestRetryMs, pace.firstRetryMs * 2 ** failures++);

  /** Milliseconds until the next look. */
  function take(found: ExternalIp): number {
    if (!found.ok) {
      const waitMs = retryMs();
      const { code, reason } = found;
      chain.lackAddress({ code, reason, retryAtMs: clock.now() + waitMs });
      // What is announced stays announced: the sources may be down while the address is what it was.
      if (announced === undefined) logger.error({ code, reason, retryMs: waitMs }, 'no address to announce');
      else logger.debug({ code, reason, retryMs: waitMs }, 'external address not looked up');
      return waitMs;
    }
    failures = 0;
    const { ip, origin } = found;
    if (ip === announced) {
      unconfirmed = undefined;
      return pace.lookAgainMs;
    }
    if (announced !== undefined && ip !== unconfirmed) {
      unconfirmed = ip;
      return pace.confirmMs;
    }
    if (announced === undefined) logger.debug({ ip, origin }, 'external address known');
    else logger.warn({ ip, formerIp: announced }, 'external address changed');
    announced = ip;
    unconfirmed = undefined;
    chain.announce({ ip, port: config.axon.externalPort });
    return pace.lookAgainMs;
  }

  while (!signal.aborted) {
    const found = await resolveExternalIp({
      configured: config.axon.externalIp,
      isPublicNetwork: config.chain.isPublic,
      fetch: ask,
      sources: IP_SOURCES,
      timeoutMs: IP_TIMEOUT_MS,
      signal,
    });
    if (signal.aborted) return;
    await sleep(take(found), undefined, { signal }).catch(() => undefined);
  }
}
