import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { checkMiner } from '../miner/check-miner.ts';
import type { Logger } from '../telemetry/logger.ts';
import { awaitReady, type Outcome } from './await-ready.ts';
import type { Instance } from './instance.ts';
import { fileSizeBytes, lastWords } from './last-words.ts';
import { ownProcesses, requireOneMiner, requireSameHotkey, requireUnchanged } from './own-processes.ts';
import type { Pm2 } from './pm2.ts';
import type { Pm2Process } from './process-list.ts';
import { withPresentFacts } from './running-miner.ts';

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
  /** Does work during which no signal ends this process. */
  readonly unbroken: <T>(work: () => Promise<T>) => Promise<T>;
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
 * @throws MinerError CONFIG_INSTANCE_TAKEN, PM2_FAILED, PM2_PROCESS_CHANGED; the AggregateError of `checkMiner`; the
 *   signal's reason once it is aborted
 */
export async function startUnderPm2(config: MinerConfig, options: StartOptions): Promise<StartReport> {
  const { instance, pm2, env, waitMs, clock, logger, signal, unbroken, say } = options;
  const { name } = instance;
  const former = await formerMiner(options);
  const replacing = former.flatMap(({ pid }) => pid ?? []);
  say(`checking the settings, the wallet, the ports and the models of ${name}`);
  const hotkey = await checkMiner(config, { env, replacing, logger, signal })
    .then(async (checked) => {
      requireSameHotkey(former, checked.hotkey, instance, pm2.program);
      for (const warning of checked.warnings) say(`warning: ${warning}`);
      // The check took its time, in which somebody else may have done the same.
      const now = await formerMiner(options);
      requireUnchanged(former, now);
      requireSameHotkey(now, checked.hotkey, instance, pm2.program);
      signal.throwIfAborted();
      return checked.hotkey;
    })
    .catch((error: unknown) => {
      if (replacing.length > 0) say(`${name} was not started anew; what runs goes on as it is`);
      throw error;
    });
  const errorLog = pm2.errorLog(name);
  const logBegin = fileSizeBytes(errorLog);
  await unbroken(() => replace(former, hotkey, config, options));
  const mayBeUnregistered = config.chain.onUnregistered === 'wait';
  const wait = { pm2, name, adminPort: config.admin.port, mayBeUnregistered, waitMs, clock, signal };
  const outcome = await awaitReady(wait).catch((error: unknown) => {
    if (signal.aborted) say(`${name} goes on under pm2; ${instance.script} status tells how it is`);
    throw error;
  });
  return { hotkey, outcome, lastWords: lastWords(errorLog, logBegin) };
}

/** What pm2 runs of the instance now: one miner at most, with what it tells of itself. */
async function formerMiner({ pm2, instance, checkout, signal }: StartOptions): Promise<Pm2Process[]> {
  const own = ownProcesses(await pm2.list(signal), instance, checkout);
  requireOneMiner(own, instance, pm2.program);
  return await Promise.all(own.map((one) => withPresentFacts(one, signal)));
}

/** Nothing calls this off: whoever interrupts it must not be left without a miner. */
async function replace(
  former: readonly Pm2Process[],
  hotkey: string,
  config: MinerConfig,
  { instance: { name }, pm2, checkout, flags, say }: StartOptions,
): Promise<void> {
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
  await pm2.start(join(checkout, 'deploy/ecosystem.config.cjs'), {
    SN34_PM2_NAME: name,
    SN34_PM2_FLAGS: JSON.stringify(flags),
    SN34_HOTKEY: hotkey,
    SN34_ADMIN_PORT: String(config.admin.port),
  });
}
