import { setTimeout as sleep } from 'node:timers/promises';
import { VALIDATOR_TIMEOUT_MS } from '../admission/deadline.ts';
import type { Clock } from '../clock.ts';
import type { MinerError } from '../errors.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Task } from './contract/model-json.ts';
import type { Device, EngineState, EngineStatus, HeldModel } from './engine.ts';
import type { Snapshot } from './files/snapshot.ts';
import type { ModelFacts } from './worker/messages.ts';
import { createModelRunner, type HangLimits, requireUsable } from './worker/runner.ts';
import { closingError, createModelSupervisor, type SupervisorStatus } from './worker/supervisor.ts';

/**
 * One set of model files, from its first process to its last. The engine owns it; it owns the snapshot, the supervisor and
 * the runner. The queue, the retries and the record of crashes are its own: they say nothing about the model that follows.
 */

/** What stays the same for all models of one engine. */
export interface LoadedModelSettings {
  readonly task: Task;
  /** Where the operator put the model. */
  readonly modelPath: string;
  readonly device: Device;
  readonly hangLimits: HangLimits;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Where private files for large pictures and masks are made. */
  readonly temporary: TemporaryFolder;
  onCudaFailure(reason: string): void;
}

export interface LoadedModel {
  readonly snapshot: Snapshot;
  /** Unix time in milliseconds at which it was warm for the first time; undefined before. */
  readonly readyAtMs: number | undefined;
  readonly state: EngineState;
  /** Why it has no process; set while the state is `failed`. */
  readonly failure: MinerError | undefined;
  /** What its latest process said when it was ready; undefined before. */
  readonly facts: ModelFacts | undefined;
  ready(signal?: AbortSignal): Promise<void>;
  /** Like `use` of an engine, but always with this model. */
  use<Result>(work: (model: HeldModel) => Promise<Result>): Promise<Result>;
  status(): SupervisorStatus & Pick<EngineStatus, 'runs' | 'queued'>;
  /** Closes the model as soon as no request holds it, and after 11 s at the latest. */
  retire(): Promise<void>;
  /** Ends the process and removes the snapshot. */
  close(): Promise<void>;
}

/** A request that is older has no caller any more. */
const RETIRE_LIMIT_MS = VALIDATOR_TIMEOUT_MS;

/**
 * Runs a model in a process of its own. A process that dies or hangs is replaced. Loading starts at once.
 * @param snapshot belongs to the loaded model from now on
 * @param onTrial true: the model fails when its first process dies before it is warm; false: further processes are tried
 */
export function createLoadedModel(
  settings: LoadedModelSettings,
  snapshot: Snapshot,
  { onTrial }: { readonly onTrial: boolean },
): LoadedModel {
  const { hangLimits, clock } = settings;
  let readyAtMs: number | undefined;
  let holders = 0;
  let stopWaiting: () => void = () => undefined;

  const supervisor = createModelSupervisor({
    ...settings,
    snapshot,
    onTrial,
    loadLimitMs: hangLimits.loadMs,
    onReady() {
      readyAtMs ??= clock.now();
      runner.start();
    },
    onFailed: (error) => runner.rejectWaiting(error),
  });
  const runner = createModelRunner({ ...settings, supervisor });

  const close = async (): Promise<void> => {
    stopWaiting();
    const closed = supervisor.close();
    runner.rejectWaiting(closingError());
    await closed;
    await runner.idle();
    await snapshot.remove();
  };

  return {
    snapshot,
    get readyAtMs() {
      return readyAtMs;
    },
    get state() {
      return supervisor.state;
    },
    get failure() {
      return supervisor.failure;
    },
    get facts() {
      return supervisor.facts;
    },
    ready: supervisor.ready,

    async use(work) {
      requireUsable(supervisor);
      const { contract } = runner;
      holders += 1;
      try {
        return await work({ contract, infer: runner.infer });
      } finally {
        holders -= 1;
        if (holders === 0) stopWaiting();
      }
    },

    status: () => ({ ...supervisor.status(), runs: runner.runs, queued: runner.queued }),

    async retire() {
      if (holders > 0) {
        const wait = new AbortController();
        stopWaiting = () => wait.abort();
        await sleep(RETIRE_LIMIT_MS, undefined, { signal: wait.signal }).catch(() => undefined);
      }
      await close();
    },
    close,
  };
}
