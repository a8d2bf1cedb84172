import type { Clock } from '../clock.ts';
import type { MinerError } from '../errors.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Task } from './contract/model-json.ts';
import type { Device, EngineState, EngineStatus, HeldModel } from './engine.ts';
import type { ModelCopy } from './files/snapshot.ts';
import type { ReadyMessage } from './worker/messages.ts';
import { createModelRunner, type HangLimits, requireUsable } from './worker/runner.ts';
import { closingError, createModelSupervisor } from './worker/supervisor.ts';

/** What is the same for all models that an engine has one after the other. */
export interface GenerationSettings {
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

/**
 * One set of model files, from its first process to its last: its own queue, its own retries, its own record of what it
 * died on. None of that says anything about a model that comes after it.
 */
export interface ModelGeneration {
  readonly copy: ModelCopy;
  /** Unix time in milliseconds at which it was warm for the first time; undefined before. */
  readonly readyAtMs: number | undefined;
  readonly state: EngineState;
  readonly failure: MinerError | undefined;
  /** What the latest process said when it was ready; undefined before the first was. */
  readonly announced: ReadyMessage | undefined;
  ready(signal?: AbortSignal): Promise<void>;
  /** As that of an engine, always with this model. */
  use<Result>(work: (model: HeldModel) => Promise<Result>): Promise<Result>;
  /** Resolves once no request holds the model. */
  released(): Promise<void>;
  status(): Pick<
    EngineStatus,
    | 'state'
    | 'provider'
    | 'nodesByProvider'
    | 'pid'
    | 'restarts'
    | 'recentRestarts'
    | 'lastError'
    | 'warmupMs'
    | 'runs'
    | 'queued'
  >;
  /** Ends the process and removes the copy. */
  close(): Promise<void>;
}

/**
 * Runs a model in a process of its own, which is replaced when it dies or hangs. Loading starts at once.
 * @param copy belongs to the generation, which removes it at its end
 * @param onTrial whether a process that dies before it is warm is the end of it; otherwise others are tried
 */
export function createModelGeneration(
  settings: GenerationSettings,
  copy: ModelCopy,
  { onTrial }: { readonly onTrial: boolean },
): ModelGeneration {
  const { hangLimits, clock } = settings;
  let readyAtMs: number | undefined;
  let holders = 0;
  const awaitingRelease = new Set<() => void>();

  const supervisor = createModelSupervisor({
    ...settings,
    copy,
    onTrial,
    loadLimitMs: hangLimits.loadMs,
    onReady() {
      readyAtMs ??= clock.now();
      runner.start();
    },
    onFailed: (error) => runner.rejectWaiting(error),
  });
  const runner = createModelRunner({ ...settings, supervisor });

  return {
    copy,
    get readyAtMs() {
      return readyAtMs;
    },
    get state() {
      return supervisor.state;
    },
    get failure() {
      return supervisor.failure;
    },
    get announced() {
      return supervisor.announced;
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
        if (holders === 0) for (const resolve of awaitingRelease) resolve();
      }
    },

    released: () =>
      new Promise((resolve) => {
        if (holders === 0) resolve();
        else awaitingRelease.add(resolve);
      }),

    status: () => ({ ...supervisor.status(), runs: runner.runs, queued: runner.queued }),

    async close() {
      const closed = supervisor.close();
      runner.rejectWaiting(closingError());
      await closed;
      await runner.idle();
      await copy.remove();
    },
  };
}
