// Finds the address at which validators reach this axon, and gives it to the chain client, which announces it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chain } from '../chain/chain.ts';
import type { Clock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { type ExternalIp, IP_SOURCES, resolveExternalIp } from '../net/external-ip.ts';
import type { Logger } from '../telemetry/logger.ts';

/** How often the external address is looked up; in milliseconds. */
interface Pace {
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** How long a known address is trusted. */
  readonly lookAgainMs: number;
  /** How long after another address was found it is looked up again before it is trusted. */
  readonly confirmMs: number;
}

interface ExternalAddressParts {
  readonly chain: Pick<Chain, 'announce' | 'lackAddress'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Asks a source for the address of this host; the platform's `fetch` if absent. */
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
 * Looks the external address up until `signal` is aborted, because homes and clouds change addresses, and announces each
 * new one. An address that differs from the last is looked up once more before it is trusted. A failure is logged and
 * never ends the process.
 */
export async function followExternalAddress(config: MinerConfig, parts: ExternalAddressParts): Promise<void> {
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
      // The announced address stays announced: the sources may be down while the address is unchanged.
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
