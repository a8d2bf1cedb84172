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
  /** Flags of the miner; they outrank its settings file. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long to wait until the miner is ready; milliseconds. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Does work during which no signal ends this process. */
  readonly unbroken: <T>(work: () => Promise<T>) => Promise<T>;
  /** Tells the person at the terminal what is being done. */
  readonly say: (line: string) => void;
}

/** The result of a start. */
export interface StartReport {
  /** ss58 address. */
  readonly hotkey: string;
  readonly outcome: Outcome;
  /** The last lines that the miner wrote to its standard error. */
  readonly lastWords: readonly string[];
}

/**
 * Runs a miner under pm2 in place of the one that ran before. The old one is not touched until the new one has passed
 * every check.
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
      // During the check somebody else may have started or ended the miner.
      const now = await formerMiner(options);
      requireUnchanged(former, now);
      requireSameHotkey(now, checked.hotkey, instance, pm2.program);
      signal.throwIfAborted();
      return checked.hotkey;
    })
    .catch((error: unknown) => {
      if (replacing.length > 0) say(`${name} was not replaced; the running miner is unchanged`);
      throw error;
    });
  const errorLog = pm2.errorLog(name);
  const logBegin = fileSizeBytes(errorLog);
  await unbroken(() => replace(former, hotkey, config, options));
  const mayBeUnregistered = config.chain.onUnregistered === 'wait';
  const wait = { pm2, name, adminPort: config.admin.port, mayBeUnregistered, waitMs, clock, signal };
  const outcome = await awaitReady(wait).catch((error: unknown) => {
    if (signal.aborted) say(`${name} keeps running under pm2; ${instance.script} status shows its state`);
    throw error;
  });
  return { hotkey, outcome, lastWords: lastWords(errorLog, logBegin) };
}

/** The processes of the instance, of which one at most runs, with the hotkey and the admin port that they have now. */
async function formerMiner({ pm2, instance, checkout, signal }: StartOptions): Promise<Pm2Process[]> {
  const own = ownProcesses(await pm2.list(signal), instance, checkout);
  requireOneMiner(own, instance, pm2.program);
  return await Promise.all(own.map((one) => withPresentFacts(one, signal)));
}

/** Nothing interrupts this: it would leave the host without a miner. */
async function replace(
  former: readonly Pm2Process[],
  hotkey: string,
  config: MinerConfig,
  { instance: { name }, pm2, checkout, flags, say }: StartOptions,
): Promise<void> {
  if (former.length > 0) {
    const names = former.map(({ name: one, pid }) => `${one}${pid === undefined ? '' : ` (process ${pid})`}`);
    say(
      `ending ${names.join(' and ')}, and starting ${name}; the old miner first answers the requests that it has admitted`,
    );
  } else {
    say(`starting ${name}`);
  }
  for (const { id } of former) {
    // Not a restart: pm2 would keep variables of the old environment, and they outrank the settings file.
    await pm2.delete(id);
  }
  await pm2.start(join(checkout, 'deploy/ecosystem.config.cjs'), {
    SN34_PM2_NAME: name,
    SN34_PM2_FLAGS: JSON.stringify(flags),
    SN34_HOTKEY: hotkey,
    SN34_ADMIN_PORT: String(config.admin.port),
  });
}
