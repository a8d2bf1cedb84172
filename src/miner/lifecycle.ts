// Runs one miner from start to end: lock, assemble, listen, warm, announce, serve, drain. `start` is its only caller.
import { cryptoWaitReady } from '@polkadot/util-crypto';
import type { Chain } from '../chain/chain.ts';
import { systemClock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { MinerError } from '../errors.ts';
import { makeHotkeyFolder } from '../state/hotkey-folder.ts';
import { takeHotkeyLock } from '../state/hotkey-lock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { assembleMiner } from './assemble.ts';
import { LOCK_WAIT_MS, type Open, openParts } from './closing.ts';
import { followExternalAddress } from './external-address.ts';
import { openHotkey } from './open-hotkey.ts';
import { watchReadiness } from './readiness-watch.ts';
import { logRegistration, unregisteredNotice } from './registration-log.ts';

export interface LifecycleContext {
  readonly logger: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the checkout; another process with the same hotkey names it in its error. */
  readonly checkout: string;
  /** Aborted by a signal to the process: stop accepting, answer what was admitted, close. */
  readonly shutdown: AbortSignal;
  /** Takes over SIGHUP, which would end the process. */
  readonly onHangup: (listener: () => void) => void;
  /** Called once, when validators can find the miner and signed requests are answered. */
  readonly onReady: (ports: { axonPort: number; adminPort: number }) => void;
}

/**
 * Runs a miner from start to end. Resolves after a shutdown that was asked for.
 * @throws MinerError with the reason for which the miner cannot run; everything it had opened is closed
 */
export async function runMiner(config: MinerConfig, context: LifecycleContext): Promise<void> {
  const parts = openParts(context.logger);
  try {
    await serve(config, context, parts.open);
  } catch (error) {
    if (error !== context.shutdown.reason) throw error;
  } finally {
    await parts.close();
  }
}

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

  const miner = open(await assembleMiner(config, { wallet, hotkeyFolder, logger }), (made) => made.close());
  const { chain, engines } = miner;
  context.onHangup(() => {
    if (!shutdown.aborted) for (const engine of Object.values(engines)) void engine.reload('SIGHUP');
  });
  logRegistration(config, hotkey, chain, logger);
  const ending = AbortSignal.any([shutdown, endByChain(config, hotkey, chain)]);
  chain.start();
  const ports = await miner.listen();
  logger.info({ ...ports, host: config.axon.host }, 'listening');

  await Promise.all(Object.values(engines).map((engine) => engine.ready(ending)));
  const announcing = followExternalAddress(config, { chain, logger, clock, signal: ending });
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
 * Aborted with a MinerError if the chain shows a fault that waiting does not mend. A miner that was connected goes on with
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
    // Another endpoint may serve the right chain.
    if (config.chain.endpoints.length > 1) return;
    ending.abort(new MinerError('CHAIN_WRONG_NETWORK', `${connection.endpoint}: ${connection.reason}`));
  });
  return ending.signal;
}
