// The composition root: puts every part of a miner together. The product (lifecycle.ts) and all tests use it.
// It owns what it makes; `close` ends all of it.
import { join } from 'node:path';
import { createAdminServer, type Readiness } from '../admin/server.ts';
import { type AnswerBudget, createAnswerBudget } from '../admission/answer-budget.ts';
import { type BodyBudget, createBodyBudget } from '../admission/body-budget.ts';
import { createClockSkew } from '../admission/clock-skew.ts';
import { createScheduler } from '../admission/scheduler.ts';
import { type Answerer, createAnswerer, type Engines, maskBytes } from '../answering/answerer.ts';
import { createEpistulaProtocol } from '../axon/epistula-protocol.ts';
import { createAxonServer, MAX_CONNECTIONS } from '../axon/server.ts';
import type { SignedRequestOptions } from '../axon/signed-request.ts';
import { createStakeCheck, type SignerLookup } from '../axon/stake-check.ts';
import { createSynapseProtocol } from '../axon/synapse-protocol.ts';
import { AXON_VERSION } from '../chain/axon-call.ts';
import { type Chain, createChain } from '../chain/chain.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { publicGenesisRefusals } from '../config/networks.ts';
import { createReplayGuard } from '../epistula/replay-guard.ts';
import { createSignatureVerifier } from '../epistula/signature-verifier.ts';
import { MASK_PIXELS_LIMIT } from '../media/limits.ts';
import { createPictureDecoder } from '../media/pictures/picture-decoder.ts';
import { createTemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createRequestLog } from '../telemetry/request-log.ts';
import type { Wallet } from '../wallet/wallet.ts';
import { createClockCheck } from './clock-check.ts';
import { closeInTime, type Open, openParts } from './closing.ts';
import { createHostCheck } from './host-check.ts';
import { openEngines } from './open-engines.ts';
import { readinessOf } from './readiness.ts';
import { type MinerView, minerStatus } from './status.ts';

interface MinerGiven {
  readonly wallet: Wallet;
  /** The hotkey's folder, for what must survive a restart. */
  readonly hotkeyFolder: string;
  readonly logger: Logger;
  /** Parts that tests put in the place of the miner's own. */
  readonly replace?: Replacements;
}

/** Parts that tests put in the place of the miner's own; the product replaces none. */
export interface Replacements {
  readonly clock?: Clock;
  /** Answers in the place of the models, of which none is loaded then. */
  readonly answerer?: Answerer;
  /** The signer table, in the place of the chain's. */
  readonly signers?: SignerLookup;
  /** Of the public port, over all connections. */
  readonly limits?: { readonly maxConnections?: number; readonly maxOpenRequests?: number };
  /** Where bodies go that memory has no room for. */
  readonly temporary?: { readonly memoryFolder: string; readonly diskFolder: string };
  /** Called for each signed request when it is over, beside the miner's own log. */
  readonly onRecord?: SignedRequestOptions['onRecord'];
}

/** One axon with its admin port, its models and its side of the chain. */
export interface Miner {
  readonly chain: Chain;
  readonly engines: Engines;
  readonly budget: BodyBudget;
  readonly answers: AnswerBudget;
  /**
   * Opens both ports.
   * @throws MinerError AXON_PORT_IN_USE
   */
  listen(): Promise<{ axonPort: number; adminPort: number }>;
  readiness(): Readiness;
  status(): Readonly<Record<string, unknown>>;
  /** Stops accepting, answers what was admitted, and ends every part. A part that cannot be closed is logged. */
  close(): Promise<void>;
}

/** Requests that may wait for their turn, over all lanes. */
const MAX_WAITING_REQUESTS = 256;
/** Room for answers as a share of that for bodies, and no less than two of the largest masks. */
const ANSWERS_SHARE = 0.25;

/**
 * Puts a miner together. Its models begin to load; it neither listens nor connects to the chain before `listen()` and
 * `chain.start()`. Call `cryptoWaitReady` first.
 * @throws MinerError if a part cannot be made; the parts made before it are closed
 */
export async function assembleMiner(config: MinerConfig, given: MinerGiven): Promise<Miner> {
  const parts = openParts(given.logger);
  try {
    return { ...(await assemble(config, given, parts.open)), close: parts.close };
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function assemble(
  config: MinerConfig,
  { wallet, hotkeyFolder, logger, replace = {} }: MinerGiven,
  open: Open,
): Promise<Omit<Miner, 'close'>> {
  const { clock = systemClock, limits = {} } = replace;
  const { concurrency } = config;
  const { bodyLimitBytes, bodyBudgetBytes, futureToleranceMs, minStakeTao } = config.axon;
  const hotkey = wallet.hotkeyAddress;

  const temporary = open(
    await createTemporaryFolder({ logger, mostBytes: bodyBudgetBytes, ...replace.temporary }),
    (folder) => folder.close(),
  );
  const engines =
    replace.answerer === undefined
      ? openEngines(config, {
          temporary,
          copiesFolder: join(hotkeyFolder, 'models'),
          logger: logger.child({ part: 'model' }),
          clock,
        })
      : {};
  for (const engine of Object.values(engines)) open(engine, () => engine.close());

  const skew = createClockSkew(clock);
  const chain = open(openChain(config, { wallet, hotkeyFolder, skew, clock, logger }), (part) =>
    part.close(),
  );

  const replayGuard = createReplayGuard({
    folder: join(hotkeyFolder, 'served-requests'),
    futureToleranceMs,
    clock,
    logger,
  });
  const verifier = createSignatureVerifier();
  const checkStake = createStakeCheck({ minStakeTao, signers: replace.signers ?? chain });
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
  const clockCheck = createClockCheck({ chainOffsetMs: () => chain.clockOffsetMs, skew, logger });
  const stopChecking = chain.on('blockTime', clockCheck.check);
  const onRecord: SignedRequestOptions['onRecord'] = (...record) => {
    requests.add(...record);
    clockCheck.check();
    replace.onRecord?.(...record);
  };
  const axon = createAxonServer({
    minerType: config.minerType,
    hotkey,
    uid: () => (chain.registration.state === 'registered' ? chain.registration.uid : undefined),
    answerer: replace.answerer ?? createAnswerer({ engines, pictures, clipThreads: concurrency.clipThreads }),
    scheduler,
    answers,
    epistula: createEpistulaProtocol({ hotkey, futureToleranceMs, bodyLimitBytes }),
    ...(config.axon.synapse
      ? {
          synapse: createSynapseProtocol({
            hotkey,
            axonVersion: AXON_VERSION,
            futureToleranceMs,
            bodyLimitBytes,
            clock,
          }),
        }
      : {}),
    signed: { verifier, replayGuard, checkStake, budget, skew, temporary, clock, onRecord },
    ...limits,
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

  /** Answers what was admitted, and closes both ports. */
  async function drain(): Promise<void> {
    axonPort = undefined;
    closing.abort();
    stopChecking();
    await axon.close();
    await scheduler.idle();
    await pictures.close();
    await verifier.close();
    await admin.close();
  }
  open(axon, () => closeInTime(drain(), logger));

  return {
    chain,
    engines,
    budget,
    answers,
    readiness,
    status,
    async listen() {
      void hostCheck.keepLooking(closing.signal);
      const adminPort = await admin.listen(config.admin.host, config.admin.port);
      axonPort = await axon.listen(config.axon.host, config.axon.port);
      return { axonPort, adminPort };
    },
  };
}

/** The miner's side of the chain; it connects once it is started. */
function openChain(
  { chain }: MinerConfig,
  {
    wallet,
    hotkeyFolder,
    skew,
    clock,
    logger,
  }: Pick<MinerGiven, 'wallet' | 'hotkeyFolder' | 'logger'> & {
    readonly skew: ReturnType<typeof createClockSkew>;
    readonly clock: Clock;
  },
): Chain {
  return createChain({
    endpoints: [...chain.endpoints],
    netuid: chain.netuid,
    wallet,
    ...(chain.expectedGenesisHash === undefined ? {} : { expectedGenesisHash: chain.expectedGenesisHash }),
    isPublicNetwork: chain.isPublic,
    stateDir: hotkeyFolder,
    blockWatchdogMs: chain.blockWatchdogMs,
    callersClockOffsetMs: skew.agreedOffsetMs,
    signersMaxAgeMs: chain.signersMaxAgeMs,
    refuseGenesis: chain.isPublic ? {} : publicGenesisRefusals(),
    logger: logger.child({ part: 'chain' }),
    clock,
  });
}
