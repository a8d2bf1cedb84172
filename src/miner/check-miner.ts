import { rm } from 'node:fs/promises';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import type { MinerConfig } from '../config/miner-config.ts';
import { asMinerError, type MinerError } from '../errors.ts';
import { lacksMemory } from '../inference/worker/supervisor.ts';
import { checkPort } from '../net/check-port.ts';
import { makeHotkeyFolder } from '../state/hotkey-folder.ts';
import { checkHotkeyLock } from '../state/hotkey-lock.ts';
import { makePrivateFolder } from '../state/private-folder.ts';
import { makeProcessFolder, removeStaleFolders } from '../state/process-folder.ts';
import { createTemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { openEngines } from './open-engines.ts';
import { openHotkey } from './open-hotkey.ts';

interface CheckContext {
  /** Where a password may be: usually `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Processes that end before the miner starts: their ports, their lock and their memory count as free. */
  readonly replacing: readonly number[];
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The result of a check that found nothing to keep the miner from running. */
interface CheckedMiner {
  readonly hotkey: string;
  /** Sentences. */
  readonly warnings: readonly string[];
}

/**
 * Checks a miner before it is started, without touching one that runs: the wallet, STATE_DIR, the lock of the hotkey, the
 * ports, and whether the models load on their device and answer.
 * @throws AggregateError of the MinerErrors that would keep the miner from running, in the order of a start; the signal's
 *   reason once it is aborted
 */
export async function checkMiner(config: MinerConfig, context: CheckContext): Promise<CheckedMiner> {
  const { replacing, signal } = context;
  const problems: MinerError[] = [];
  /** Continues after a fault, so that an operator reads of all faults at once. */
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      problems.push(asMinerError(error, 'INTERNAL'));
      return undefined;
    }
  };

  await cryptoWaitReady();
  const hotkey = (await attempt(() => openHotkey(config, context)))?.hotkeyAddress;
  const stateIsUsable = await attempt(() => makePrivateFolder(config.stateDir).then(() => true));
  if (hotkey !== undefined && stateIsUsable === true) {
    await attempt(async () => {
      const folder = await makeHotkeyFolder(config, hotkey);
      await checkHotkeyLock({ folder, hotkey, replacing, signal });
    });
  }
  for (const { host, port } of portsOf(config)) await attempt(() => checkPort({ host, port, replacing }));
  const warnings: string[] = [];
  if (stateIsUsable === true) {
    for (const error of await checkModels(config, context)) {
      if (replacing.length > 0 && lacksMemory(error)) {
        warnings.push(`${error.message}; the process that is being replaced still holds its memory`);
      } else {
        problems.push(error);
      }
    }
  }
  if (hotkey === undefined || problems.length > 0) {
    throw new AggregateError(problems, 'the miner cannot be started');
  }
  return { hotkey, warnings };
}

function portsOf({ axon, admin, chain }: MinerConfig): Array<{ host: string; port: number }> {
  const devnet = chain.devnetPort === undefined ? [] : [{ host: '127.0.0.1', port: chain.devnetPort }];
  return [axon, admin, ...devnet];
}

/** Loads each model as the miner does, from a copy in STATE_DIR, and lets it answer once. */
async function checkModels(config: MinerConfig, { logger, signal }: CheckContext): Promise<MinerError[]> {
  await removeStaleFolders(config.stateDir, logger);
  const copiesFolder = await makeProcessFolder(config.stateDir);
  const temporary = await createTemporaryFolder({ logger });
  const engines = Object.values(openEngines(config, { temporary, copiesFolder, logger }));
  try {
    const loads = await Promise.allSettled(engines.map((engine) => engine.ready(signal)));
    signal.throwIfAborted();
    return loads.flatMap((load) =>
      load.status === 'rejected' ? [asMinerError(load.reason, 'MODEL_UNREADABLE')] : [],
    );
  } finally {
    await Promise.all(engines.map((engine) => engine.close()));
    await temporary.close();
    await rm(copiesFolder, { recursive: true, force: true });
  }
}
