import type { AnswerBudget } from '../admission/answer-budget.ts';
import type { BodyBudget } from '../admission/body-budget.ts';
import type { Scheduler } from '../admission/scheduler.ts';
import { describeValidators } from '../chain/validator-release.ts';
import type { Clock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import type { ReplayGuard } from '../epistula/replay-guard.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import type { ClockCheck } from './clock-check.ts';
import { type ReadinessView, readinessOf } from './readiness.ts';

/** The parts of a miner that /status shows. */
export interface MinerView extends ReadinessView {
  readonly config: MinerConfig;
  readonly hotkey: string;
  readonly startedAtMs: number;
  readonly budget: BodyBudget;
  readonly answers: AnswerBudget;
  readonly scheduler: Scheduler;
  readonly requests: RequestLog;
  readonly replayGuard: ReplayGuard;
  readonly clock: Clock;
  readonly clockCheck: ClockCheck;
}

/** What an operator asks of this process, as plain JSON without secrets. */
export function minerStatus(view: MinerView): Readonly<Record<string, unknown>> {
  const { config, engines, scheduler, clock } = view;
  const chain = view.chain.status();
  const { weightsVersion } = chain;
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
      answers: view.answers.status(),
      queue: scheduler.status(),
      servedRequestsRemembered: view.replayGuard.size,
    },
    chain,
    validators: weightsVersion && { ...weightsVersion, meaning: describeValidators(weightsVersion) },
    clock: view.clockCheck.status(),
    models: Object.fromEntries(Object.entries(engines).map(([task, engine]) => [task, engine.status()])),
    requests: view.requests.summary(),
  };
}
