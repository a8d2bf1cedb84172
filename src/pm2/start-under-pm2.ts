import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { checkMiner } from '../miner/check-miner.ts';
import type { Logger } from '../telemetry/logger.ts';
import { awaitReady, type Outcome } from './await-ready.ts';
import type { Instance } from './instance.ts';
import { fileSizeBytes, lastWords } from './last-words.ts';
import { ownProcesses, requireSameHotkey } from './own-processes.ts';
import type { Pm2 } from './pm2.ts';

interface StartOptions {
  readonly instance: Instance;
  readonly pm2: Pm2;
  /** Folder of the checkout. */
  readonly checkout: string;
  /** Flags of the miner that outrank its settings file. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long the miner is given to be ready; milliseconds. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Tells the person at the terminal what is being done. */
  readonly say: (line: string) => void;
}

/** What has become of a start, and what the miner said last where it did not become ready. */
export interface StartReport {
  /** ss58 address. */
  readonly hotkey: string;
  readonly outcome: Outcome;
  readonly lastWords: readonly string[];
}

/**
 * Runs a miner under pm2 in place of the one that ran before. What runs is not touched until everything about the new
 * one was checked.
 * @throws MinerError CONFIG_INSTANCE_TAKEN, PM2_FAILED; the AggregateError of `checkMiner`; the signal's reason once it is
 *   aborted
 */
export async function startUnderPm2(config: MinerConfig, options: StartOptions): Promise<StartReport> {
  const { instance, pm2, checkout, flags, env, waitMs, clock, logger, signal, say } = options;
  const { name } = instance;
  const former = ownProcesses(await pm2.list(), instance, checkout);
  const replacing = former.flatMap(({ pid }) => pid ?? []);
  say(`checking the settings, the wallet, the ports and the models of ${name}`);
  const { hotkey, warnings } = await checkMiner(config, { env, replacing, logger, signal })
    .then((checked) => {
      requireSameHotkey(former, checked.hotkey);
      return checked;
    })
    .catch((error: unknown) => {
      if (replacing.length > 0) say(`${name} was not started anew; what runs goes on as it is`);
      throw error;
    });
  for (const warning of warnings) say(`warning: ${warning}`);

  signal.throwIfAborted();
  // From here to the start nothing is called off, and nothing is said that a closed terminal could fail on: whoever
  // interrupts it must not be left without a miner.
  if (former.length > 0) {
    const names = former.map(({ name: one, pid }) => `${one}${pid === undefined ? '' : ` (process ${pid})`}`);
    say(`ending ${names.join(' and ')}, which answers first what it has admitted, and starting ${name}`);
  } else {
    say(`starting ${name}`);
  }
  for (const { id } of former) {
    // Not a restart: pm2 would keep the variables of an earlier environment, also those that are gone by now, and they
    // outrank the settings file.
    await pm2.delete(id);
  }
  const errorLog = pm2.errorLog(name);
  const logBegin = fileSizeBytes(errorLog);
  const adminPort = config.admin.port;
  await pm2.start(join(checkout, 'deploy/ecosystem.config.cjs'), {
    SN34_PM2_NAME: name,
    SN34_PM2_FLAGS: JSON.stringify(flags),
    SN34_HOTKEY: hotkey,
    SN34_ADMIN_PORT: String(adminPort),
  });
  const mayBeUnregistered = config.chain.onUnregistered === 'wait';
  const wait = { pm2, name, adminPort, mayBeUnregistered, waitMs, clock, signal };
  const outcome = await awaitReady(wait).catch((error: unknown) => {
    if (signal.aborted) say(`${name} goes on under pm2; ${instance.script} status tells how it is`);
    throw error;
  });
  return { hotkey, outcome, lastWords: lastWords(errorLog, logBegin) };
}
