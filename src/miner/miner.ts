import { join } from 'node:path';
import { createAdminServer, type Readiness } from '../admin/server.ts';
import { createAnswerBudget } from '../admission/answer-budget.ts';
import { createBodyBudget } from '../admission/body-budget.ts';
import type { ClockSkew } from '../admission/clock-skew.ts';
import { createScheduler } from '../admission/scheduler.ts';
import { createAnswerer, type Engines } from '../answering/answerer.ts';
import { maskBytes } from '../answering/segmenter.ts';
import { createAuthenticator } from '../axon/authenticate.ts';
import { createGates } from '../axon/gates.ts';
import { createAxonServer, MAX_CONNECTIONS } from '../axon/server.ts';
import { createSynapseProtocol } from '../axon/synapse-protocol.ts';
import { AXON_VERSION } from '../chain/axon-call.ts';
import type { Chain } from '../chain/chain.ts';
import type { Clock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { createReplayGuard } from '../epistula/replay-guard.ts';
import { createSignatureVerifier } from '../epistula/signature-verifier.ts';
import { MASK_PIXELS_LIMIT } from '../media/limits.ts';
import { createPictureDecoder } from '../media/pictures/picture-decoder.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createRequestLog } from '../telemetry/request-log.ts';
import { createClockCheck } from './clock-check.ts';
import { createHostCheck } from './host-check.ts';
import { readinessOf } from './readiness.ts';
import { type MinerView, minerStatus } from './status.ts';

/** What a miner is given; it owns none of it, so several miners can share an engine. */
export interface MinerParts {
  /** ss58 address of the hotkey. */
  readonly hotkey: string;
  /** The hotkey's folder, for what must survive a restart. */
  readonly hotkeyFolder: string;
  readonly engines: Engines;
  readonly chain: Chain;
  /** Learns from the requests how right our clock is; the chain judges the age of blocks by it. */
  readonly skew: ClockSkew;
  readonly temporary: TemporaryFolder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One axon with its admin port. */
export interface Miner {
  /**
   * Opens both ports.
   * @throws MinerError AXON_PORT_IN_USE
   */
  listen(): Promise<{ axonPort: number; adminPort: number }>;
  readiness(): Readiness;
  status(): Readonly<Record<string, unknown>>;
  /** Stops accepting, answers what was admitted, closes both ports. */
  close(): Promise<void>;
}

/** Requests that may wait for their turn, over all lanes. */
const MAX_WAITING_REQUESTS = 256;
/** Room for answers as a share of that for bodies, and no less than two of the largest masks. */
const ANSWERS_SHARE = 0.25;

/** Puts a miner together: the journey of a request, from the socket to the answer. */
export function createMiner(config: MinerConfig, parts: MinerParts): Miner {
  const { hotkey, hotkeyFolder, engines, chain, skew, temporary, clock, logger } = parts;
  const { bodyLimitBytes, bodyBudgetBytes, futureToleranceMs, minStakeTao } = config.axon;
  const { concurrency } = config;

  const replayGuard = createReplayGuard({
    folder: join(hotkeyFolder, 'served-requests'),
    futureToleranceMs,
    clock,
    logger,
  });
  const verifier = createSignatureVerifier();
  const gates = createGates({ minStakeTao, signers: chain, replayGuard, verifier, clock });
  const budget = createBodyBudget({ totalBytes: bodyBudgetBytes, bodyLimitBytes, clock });
  const answers = createAnswerBudget({
    totalBytes: Math.max(
      bodyBudgetBytes * ANSWERS_SHARE,
      2 * maskBytes({ height: 1, width: MASK_PIXELS_LIMIT }),
    ),
  });
  const scheduler = createScheduler({
    slots: { image: concurrency.images, video: concurrency.videos },
    maxWaiting: MAX_WAITING_REQUESTS,
    clock,
  });
  const pictures = createPictureDecoder({
    processes: concurrency.pictureProcesses,
    logger,
  });
  const requests = createRequestLog({ logger, clock });
  const clockCheck = createClockCheck({
    chainOffsetMs: () => chain.clockOffsetMs,
    skew,
    logger,
  });
  const stopChecking = chain.on('blockTime', clockCheck.check);
  const onRecord: typeof requests.add = (...record) => {
    requests.add(...record);
    clockCheck.check();
  };
  const axon = createAxonServer({
    minerType: config.minerType,
    hotkey,
    uid: () => (chain.registration.state === 'registered' ? chain.registration.uid : undefined),
    answerer: createAnswerer({ engines, pictures, clipThreads: concurrency.clipThreads }),
    scheduler,
    answers,
    authenticator: createAuthenticator({ hotkey, futureToleranceMs, bodyLimitBytes, gates }),
    ...(config.axon.synapse
      ? {
          synapse: createSynapseProtocol({
            hotkey,
            axonVersion: AXON_VERSION,
            futureToleranceMs,
            bodyLimitBytes,
            gates,
            clock,
          }),
        }
      : {}),
    signed: { budget, skew, temporary, clock, onRecord },
  });

  const hostCheck = createHostCheck({ stateDir: hotkeyFolder, maxConnections: MAX_CONNECTIONS });
  const closing = new AbortController();
  let axonPort: number | undefined;
  const view: MinerView = {
    config,
    hotkey,
    startedAtMs: clock.now(),
    engines,
    chain,
    budget,
    answers,
    scheduler,
    requests,
    replayGuard,
    clock,
    clockCheck,
    hostCheck,
    get axonPort() {
      return axonPort;
    },
  };
  const readiness = () => readinessOf(view);
  const status = () => minerStatus(view);
  const admin = createAdminServer({ readiness, status });

  return {
    async listen() {
      void hostCheck.keepLooking(closing.signal);
      const adminPort = await admin.listen(config.admin.host, config.admin.port);
      axonPort = await axon.listen(config.axon.host, config.axon.port);
      return { axonPort, adminPort };
    },
    readiness,
    status,
    async close() {
      axonPort = undefined;
      closing.abort();
      stopChecking();
      await axon.close();
      await scheduler.idle();
      await pictures.close();
      await verifier.close();
      await admin.close();
    },
  };
}
