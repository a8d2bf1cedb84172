import { setTimeout as sleep } from 'node:timers/promises';
import type { Chain } from '../chain/chain.ts';
import { type ExternalIp, IP_SOURCES, resolveExternalIp } from '../chain/external-ip.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { isLoopbackEndpoint } from '../config/networks.ts';
import type { Logger } from '../telemetry/logger.ts';

const IP_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * Finds the address at which validators reach this axon and hands it to the chain client, trying again for as long as
 * the process lives. A wrong address is an error line, never the end of the process.
 */
export async function announceWhenAddressKnown(
  config: MinerConfig,
  { chain, logger, signal }: { chain: Chain; logger: Logger; signal: AbortSignal },
): Promise<void> {
  for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(LONGEST_RETRY_MS, 2 * retryMs)) {
    const found: ExternalIp = await resolveExternalIp({
      configured: config.axon.externalIp ?? '',
      chainIsLocal: config.chain.endpoints.every(isLoopbackEndpoint),
      fetch,
      sources: IP_SOURCES,
      timeoutMs: IP_TIMEOUT_MS,
      signal,
    });
    if (found.ok) {
      logger.debug({ ip: found.ip, origin: found.origin }, 'external address known');
      chain.announce({ ip: found.ip, port: config.axon.externalPort });
      return;
    }
    if (signal.aborted) return;
    logger.error({ code: found.code, reason: found.reason, retryMs }, 'no address to announce');
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
