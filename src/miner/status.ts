import type { Readiness } from '../admin/server.ts';
import type { BodyBudget } from '../admission/body-budget.ts';
import type { Scheduler } from '../admission/scheduler.ts';
import type { Chain, ChainStatus } from '../chain/chain.ts';
import type { Clock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import type { ReplayGuard } from '../epistula/replay-guard.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import type { Engines } from './answerer.ts';
import type { ClockCheck } from './clock-check.ts';

/** The parts of a miner that can tell how it is. */
export interface MinerView {
  readonly config: MinerConfig;
  readonly hotkey: string;
  readonly startedAtMs: number;
  /** The port listened on; undefined while not listening. */
  readonly axonPort: number | undefined;
  readonly engines: Engines;
  readonly chain: Chain;
  readonly budget: BodyBudget;
  readonly scheduler: Scheduler;
  readonly requests: RequestLog;
  readonly replayGuard: ReplayGuard;
  readonly clock: Clock;
  readonly clockCheck: ClockCheck;
}

/** Ready means: listening, warm, registered, signers known; a sentence for each that is missing. */
export function readinessOf(
  view: Pick<MinerView, 'axonPort' | 'engines' | 'chain' | 'replayGuard' | 'clock' | 'clockCheck'>,
): Readiness {
  const { axonPort, engines, chain, replayGuard, clock, clockCheck } = view;
  const reasons: string[] = [];
  if (axonPort === undefined) reasons.push('the axon does not listen');
  const warnings: string[] = [];
  for (const [task, engine] of Object.entries(engines)) {
    const { state, lastError, lastReload, missingFiles } = engine.status();
    if (lastReload?.result === 'refused') {
      warnings.push(`the ${task} model on disk was refused at ${lastReload.at}: ${lastReload.detail}`);
    }
    if (missingFiles.length > 0) {
      warnings.push(`the ${task} model could not be loaded again: ${missingFiles.join(', ')} missing`);
    }
    if (state === 'ready') continue;
    reasons.push(`the ${task} model is ${state}${lastError === undefined ? '' : `: ${lastError}`}`);
  }
  const { registration } = chain;
  const { connection, signers } = chain.status();
  if (connection.state === 'down') {
    const sentence = `the chain is away: ${connection.endpoint}: ${connection.reason}`;
    if (chain.signersKnown)
      warnings.push(`${sentence}; judging by the table of validators of ${age(signers)} ago`);
    else reasons.push(sentence);
  }
  if (!chain.signersKnown) {
    reasons.push(
      signers.ageMs === null
        ? 'the table of validators has not been read from the chain'
        : `the table of validators is ${age(signers)} old, more than SIGNERS_MAX_AGE_HOURS`,
    );
  }
  if (registration.state === 'unregistered') reasons.push('the hotkey is not registered on the subnet');
  if (registration.state === 'deregistered') {
    reasons.push(`the hotkey was deregistered: its uid ${registration.formerUid} is no longer its own`);
  }
  if (registration.state === 'unknown') reasons.push('it is not known yet whether the hotkey is registered');
  if (replayGuard.trustsFromMs > clock.now())
    reasons.push('the memory of served requests was lost; waiting it out');
  const { offsetMs, isOff } = clockCheck.status();
  if (isOff) warnings.push(`the clock of this host is off by ${offsetMs} ms; set it by NTP`);
  return { ready: reasons.length === 0, reasons, warnings };
}

/** The age of the signer table in words. */
function age({ ageMs }: ChainStatus['signers']): string {
  const minutes = Math.round((ageMs ?? 0) / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** All that an operator would ask of this process, as plain JSON without secrets. */
export function minerStatus(view: MinerView): Readonly<Record<string, unknown>> {
  const { config, engines, scheduler, clock } = view;
  const { rss, heapUsed } = process.memoryUsage();
  return {
    readiness: readinessOf(view),
    miner: {
      type: config.minerType,
      hotkey: view.hotkey,
      network: config.chain.networkName,
      netuid: config.chain.netuid,
      development: config.dev,
      pid: process.pid,
      node: process.version,
      uptimeSeconds: Math.round((clock.now() - view.startedAtMs) / 1000),
      memoryBytes: { rss, heapUsed },
    },
    axon: {
      host: config.axon.host,
      port: view.axonPort,
      uploads: view.budget.status(),
      queue: scheduler.status(),
      servedRequestsRemembered: view.replayGuard.size,
    },
    chain: view.chain.status(),
    clock: view.clockCheck.status(),
    models: Object.fromEntries(Object.entries(engines).map(([task, engine]) => [task, engine.status()])),
    requests: view.requests.summary(),
  };
}
