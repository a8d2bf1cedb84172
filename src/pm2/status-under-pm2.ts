import { readStatus } from '../admin/read-status.ts';
import { statusLines } from '../admin/status-text.ts';
import type { Clock } from '../clock.ts';
import type { Instance } from './instance.ts';
import { lastWords } from './last-words.ts';
import { ownProcesses } from './own-processes.ts';
import type { Pm2 } from './pm2.ts';
import { isBeingStarted, type Pm2Process } from './process-list.ts';
import { withPresentFacts } from './running-miner.ts';

interface StatusOptions {
  readonly instance: Instance;
  readonly pm2: Pm2;
  /** Folder of the checkout. */
  readonly checkout: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The state of an instance, as text. */
interface StatusText {
  readonly isReady: boolean;
  readonly lines: readonly string[];
}

/**
 * The state of the miner of an instance, from pm2 and from its admin port.
 * @throws MinerError CONFIG_INSTANCE_TAKEN, PM2_FAILED
 */
export async function statusUnderPm2(options: StatusOptions): Promise<StatusText> {
  const { instance, pm2, checkout, signal } = options;
  const own = ownProcesses(await pm2.list(signal), instance, checkout);
  const process = own.find(({ pid }) => pid !== undefined) ?? own[0];
  if (process === undefined) {
    return notReady(`${instance.name} does not run under pm2; ${instance.script} starts it`);
  }
  if (isBeingStarted(process)) {
    return notReady(
      `${process.name} is being started by pm2; run ${instance.script} status again in a moment`,
    );
  }
  if (process.pid === undefined) {
    const { name, status, exitCode } = process;
    const code = exitCode === undefined ? '' : `, its last exit code was ${exitCode}`;
    const words = lastWords(pm2.errorLog(name), 0).map((line) => `  ${line}`);
    return notReady(`${name} does not run; pm2 calls it "${status}"${code}`, ...words);
  }
  return running(process, options);
}

async function running(process: Pm2Process, { instance, clock, signal }: StatusOptions): Promise<StatusText> {
  const { name, pid, restarts, adminPort } = await withPresentFacts(process, signal);
  const line = `${name} runs under pm2 as process ${pid}, restarted ${restarts} times`;
  if (adminPort === undefined) {
    return notReady(line, `an older start_miner.sh started it; run ${instance.script} once to see more`);
  }
  const report = await readStatus(adminPort, signal);
  if (report === undefined) {
    return notReady(
      line,
      `its admin port ${adminPort} does not answer; ${instance.script} logs shows its log`,
    );
  }
  if (report.miner.pid !== pid) {
    return notReady(
      line,
      `another miner answers on its admin port ${adminPort}: process ${report.miner.pid}`,
    );
  }
  return { isReady: report.readiness.ready, lines: [line, ...statusLines(report, clock.now())] };
}

function notReady(...lines: readonly string[]): StatusText {
  return { isReady: false, lines };
}
