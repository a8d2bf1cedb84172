import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { createClockSkew } from '../admission/clock-skew.ts';
import { type Chain, createChain } from '../chain/chain.ts';
import { systemClock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { publicGenesisRefusals } from '../config/networks.ts';
import { MinerError } from '../errors.ts';
import { makeHotkeyFolder } from '../state/hotkey-folder.ts';
import { takeHotkeyLock } from '../state/hotkey-lock.ts';
import { createTemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { keepAddressAnnounced } from './external-address.ts';
import { createMiner } from './miner.ts';
import { openEngines } from './open-engines.ts';
import { openHotkey } from './open-hotkey.ts';
import { watchReadiness } from './readiness-watch.ts';
import { logRegistration, unregisteredNotice } from './registration-log.ts';

export interface LifecycleContext {
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the checkout: names this process to another one that is given the same hotkey. */
  readonly checkout: string;
  /** Aborted when the process is asked to end: stop accepting, answer what was admitted, close. */
  readonly shutdown: AbortSignal;
  /** Takes over SIGHUP, which ends the process otherwise. */
  readonly onHangup: (listener: () => void) => void;
  /** Called once, when validators can find the miner and signed requests are answered. */
  readonly onReady: (ports: { axonPort: number; adminPort: number }) => void;
}

/** Longer than any request lives, shorter than `kill_timeout` of the process manager. */
const DRAIN_TIMEOUT_MS = 15_000;
/** A process that is being replaced drains for DRAIN_TIMEOUT_MS at most. */
const LOCK_WAIT_MS = 20_000;

/**
 * Runs a miner from start to end: lock, listen, warm, announce, serve, drain.
 * Resolves after a shutdown that was asked for.
 * @throws MinerError with the reason for which the miner cannot run; all it had opened is closed
 */
export async function runMiner(config: MinerConfig, context: LifecycleContext): Promise<void> {
  const closers: Array<() => Promise<void>> = [];
  const open = <T>(part: T, close: (part: T) => Promise<void>): T => {
    closers.push(() => close(part));
    return part;
  };
  try {
    await serve(config, context, open);
  } catch (error) {
    if (error !== context.shutdown.reason) throw error;
  } finally {
    for (const close of closers.reverse()) {
      // One part that cannot be closed must not keep the others open, nor hide why the miner ends.
      await close().catch((error: unknown) => context.logger.error({ err: error }, 'part not closed'));
    }
  }
}

type Open = <T>(part: T, close: (part: T) => Promise<void>) => T;

async function serve(config: MinerConfig, context: LifecycleContext, open: Open): Promise<void> {
  const { logger, shutdown } = context;
  const clock = systemClock;
  await cryptoWaitReady();
  const wallet = await openHotkey(config, context);
  const hotkey = wallet.hotkeyAddress;
  logger.info({ hotkey, origin: wallet.origin, type: config.minerType }, 'hotkey open');

  const hotkeyFolder = await makeHotkeyFolder(config, hotkey);
  const holder = {
    pid: process.pid,
    checkout: context.checkout,
    axonPort: config.axon.port,
    adminPort: config.admin.port,
  };
  const lock = { folder: hotkeyFolder, hotkey, holder, waitMs: LOCK_WAIT_MS, logger, signal: shutdown };
  open(await takeHotkeyLock(lock), async (held) => held.release());

  if (config.chain.devnetPort !== undefined) {
    const { netuid, devnetPort: port, devnetBlockTimeMs: blockTimeMs } = config.chain;
    const part = logger.child({ part: 'devnet' });
    const { createDevnet } = await import('../devnet/node.ts');
    const devnet = createDevnet({
      host: '127.0.0.1',
      port,
      netuid,
      blockTimeMs,
      sealOnSubmit: true,
      logger: part,
    });
    open(await devnet, (node) => node.close());
  }
  const mostBytes = config.axon.bodyBudgetBytes;
  const temporary = open(await createTemporaryFolder({ logger, mostBytes }), (folder) => folder.close());
  const modelLogger = logger.child({ part: 'model' });
  const copiesFolder = join(hotkeyFolder, 'models');
  const engines = openEngines(config, { temporary, copiesFolder, logger: modelLogger });
  for (const engine of Object.values(engines)) open(engine, () => engine.close());
  context.onHangup(() => {
    if (!shutdown.aborted) for (const engine of Object.values(engines)) void engine.reload('SIGHUP');
  });

  const skew = createClockSkew(clock);
  const chain = open(
    createChain({
      endpoints: [...config.chain.endpoints],
      netuid: config.chain.netuid,
      wallet,
      ...(config.chain.expectedGenesisHash === undefined
        ? {}
        : { expectedGenesisHash: config.chain.expectedGenesisHash }),
      isPublicNetwork: config.chain.isPublic,
      stateDir: hotkeyFolder,
      blockWatchdogMs: config.chain.blockWatchdogMs,
      callersClockOffsetMs: skew.agreedOffsetMs,
      signersMaxAgeMs: config.chain.signersMaxAgeMs,
      refuseGenesis: config.chain.isPublic ? {} : publicGenesisRefusals(),
      logger: logger.child({ part: 'chain' }),
      clock,
    }),
    (part) => part.close(),
  );
  logRegistration(config, hotkey, chain, logger);
  const ending = AbortSignal.any([shutdown, endByChain(config, hotkey, chain)]);
  chain.start();

  const miner = createMiner(config, { hotkey, hotkeyFolder, engines, chain, skew, temporary, clock, logger });
  open(miner, () => closeInTime(miner.close(), logger));
  const ports = await miner.listen();
  logger.info({ ...ports, host: config.axon.host }, 'listening');

  await Promise.all(Object.values(engines).map((engine) => engine.ready(ending)));
  const announcing = keepAddressAnnounced(config, { chain, logger, clock, signal: ending });
  await watchReadiness({
    readiness: miner.readiness,
    onFirstReady: () => context.onReady(ports),
    logger,
    clock,
    signal: ending,
  });
  logger.info('shutting down; answering what was admitted');
  await announcing;
  ending.throwIfAborted();
}

/**
 * Aborted with a MinerError once the chain tells what waiting does not mend. A miner that was connected goes on with
 * what it knows, whatever its endpoint serves later.
 */
function endByChain(config: MinerConfig, hotkey: string, chain: Chain): AbortSignal {
  const ending = new AbortController();
  let wasConnected = false;
  chain.on('registration', (registration) => {
    const { state } = registration;
    if (config.chain.onUnregistered !== 'exit') return;
    if (state !== 'unregistered' && state !== 'deregistered') return;
    const notice = unregisteredNotice(config, hotkey, registration);
    ending.abort(new MinerError('CHAIN_NOT_REGISTERED', notice));
  });
  chain.on('connection', (connection) => {
    if (connection.state === 'connected') wasConnected = true;
    if (wasConnected || connection.state !== 'down' || connection.code !== 'CHAIN_WRONG_NETWORK') return;
    // Of several endpoints another may serve the right chain.
    if (config.chain.endpoints.length > 1) return;
    ending.abort(new MinerError('CHAIN_WRONG_NETWORK', `${connection.endpoint}: ${connection.reason}`));
  });
  return ending.signal;
}

/** Waits for the drain, but not for a caller that never ends. */
async function closeInTime(closing: Promise<void>, logger: Logger): Promise<void> {
  const late = Symbol('late');
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), DRAIN_TIMEOUT_MS);
  });
  if ((await Promise.race([closing, limit])) === late)
    logger.warn('some requests were still open at shutdown');
  clearTimeout(timer);
}
