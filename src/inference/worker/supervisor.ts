import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeadlineClock } from '../../admission/deadline.ts';
import { MinerError } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Task } from '../contract/model-json.ts';
import type { Device, EngineState, EngineStatus } from '../engine.ts';
import type { Snapshot } from '../files/snapshot.ts';
import type { LoadMessage, ModelFacts } from './messages.ts';
import { countPhysicalCores } from './physical-cores.ts';
import { type ModelProcess, type ModelProcessEnd, ModelProcessGone, startModelProcess } from './process.ts';

interface ModelSupervisorOptions {
  readonly task: Task;
  /** Where the operator put the model; names it in the log. */
  readonly modelPath: string;
  /** Where the process reads the model, and may make files while it loads. */
  readonly snapshot: Pick<Snapshot, 'folder' | 'onnxPath' | 'takenFrom'>;
  readonly device: Device;
  /** A process that has not loaded and warmed the model by then is killed. */
  readonly loadLimitMs: number;
  /** True for a candidate beside a running model: its first failure is final, and the caller logs it. */
  readonly onTrial: boolean;
  readonly logger: Logger;
  readonly clock: DeadlineClock;
  /** A process can be given runs. */
  onReady(): void;
  /** CUDA was tried and is not used. */
  onCudaFailure(reason: string): void;
  /** There is no process, for some time or for good. */
  onFailed(error: MinerError): void;
}

export type SupervisorStatus = Pick<
  EngineStatus,
  'state' | 'provider' | 'nodesByProvider' | 'pid' | 'restarts' | 'recentRestarts' | 'lastError' | 'warmupMs'
>;

/** Keeps one process with a warm model alive. The loaded model owns it; it owns the process. */
export interface ModelSupervisor {
  readonly state: EngineState;
  /** Why there is no process; set while the state is `failed`. */
  readonly failure: MinerError | undefined;
  /** The process that can be given runs, if there is one now. */
  readonly process: ModelProcess | undefined;
  /** What the latest process said when it was ready; undefined before. */
  readonly facts: ModelFacts | undefined;
  /** Call it after a completed run: the process works, so earlier deaths no longer count. */
  noteRun(): void;
  ready(signal?: AbortSignal): Promise<void>;
  status(): SupervisorStatus;
  /** Ends the process; resolves when nothing is left of it. */
  close(): Promise<void>;
}

/** Deaths in a row, outside of runs, until the model counts as failed and is retried every 30 seconds only. */
const DEATHS_UNTIL_FAILED = 5;
const FIRST_PAUSE_MS = 100;
const RETRY_FAILED_MS = 30_000;
const RECENT_MS = 3_600_000;

/** How this file words it when the kernel ends a process because memory ran out. A crash has another signal. */
const KILLED = /^the model process .*\bwas killed by SIGKILL\b/;
/** What ONNX Runtime, the C++ library and CUDA say when they get no memory. */
const NO_MEMORY = /\bout of memory\b|\bbad_alloc\b|Failed to allocate memory|_ALLOC_FAILED\b/i;
/** A folder of the operator may have any name, also one of these words. */
const PATHS = /\S*\/\S*/g;

/**
 * Starts a process for the model, and a new one when it dies. The pauses between starts grow while it keeps dying. A death
 * during a run may be the fault of the input and does not count.
 */
export function createModelSupervisor({
  task,
  modelPath,
  snapshot,
  device,
  loadLimitMs,
  onTrial,
  logger,
  clock,
  onReady,
  onCudaFailure,
  onFailed,
}: ModelSupervisorOptions): ModelSupervisor {
  const closing = new AbortController();
  const waiters = new Set<() => void>();
  let state: EngineState = 'warming';
  let failure: MinerError | undefined;
  let current: ModelProcess | undefined;
  let facts: ModelFacts | undefined;
  let idleDeaths = 0;
  let restarts = 0;
  /** Monotonic times of the restarts of the last hour. */
  let recentRestarts: readonly number[] = [];
  let warmupMs: number | undefined;
  let lastError: string | undefined;
  const unproven = (): boolean => onTrial && facts === undefined;

  const enter = (next: EngineState): void => {
    if (state === 'closed') return;
    state = next;
    for (const wake of waiters) wake();
  };

  const fail = (error: MinerError): void => {
    failure = error;
    lastError = error.message;
    if (!unproven())
      logger.error({ task, modelPath, code: error.code, detail: error.message }, 'model failed');
    enter('failed');
    onFailed(error);
  };

  const load = async (child: ModelProcess): Promise<'ready' | 'refused' | 'died'> => {
    const startedAt = clock.monotonic();
    const message: LoadMessage = {
      type: 'load',
      modelPath: snapshot.onnxPath,
      task,
      device,
      threads: countPhysicalCores(),
      // One for each process: a process that died may have left half a profile.
      scratchPrefix: join(snapshot.folder, `.profile-${child.pid}`),
    };
    try {
      facts = await child.request<ModelFacts>(message, loadLimitMs);
    } catch (error) {
      if (error instanceof ModelProcessGone) return 'died';
      if (!(error instanceof MinerError)) throw error;
      fail(new MinerError(error.code, namingModel(error.message)));
      return 'refused';
    }
    failure = undefined;
    warmupMs = clock.monotonic() - startedAt;
    const { provider, runMs, cudaFailure } = facts;
    if (cudaFailure !== undefined) onCudaFailure(cudaFailure);
    child.makeLessExpendable();
    const { pid } = child;
    const nodesByProvider = countNodes(facts);
    logger.info({ task, modelPath, provider, nodesByProvider, pid, warmupMs, runMs }, 'model ready');
    enter('ready');
    onReady();
    return 'ready';
  };

  /** The operator knows a model by where it was put, and a miner has several: each message says which one it means. */
  const namingModel = (message: string): string => {
    const words = message.replaceAll(snapshot.folder, () => snapshot.takenFrom.folder);
    return words.includes(modelPath) ? words : `${modelPath}: ${words}`;
  };

  /** One process after the other, until the supervisor is closed or a model that never worked is refused. */
  const supervise = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const child = startModelProcess(task);
      current = child;
      const outcome = await load(child);
      if (outcome === 'refused') child.kill();
      const end = await child.gone;
      current = undefined;
      if (closing.signal.aborted || (outcome === 'refused' && facts === undefined)) return;
      if (outcome !== 'refused') noteDeath(child, end, outcome === 'ready' && end.duringRequest);
      if (unproven()) return;
      restarts += 1;
      recentRestarts = [...lastHour(), clock.monotonic()];
      await sleep(pauseMs(), undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };

  const lastHour = (): readonly number[] =>
    recentRestarts.filter((atMs) => clock.monotonic() - atMs < RECENT_MS);

  const noteDeath = (child: ModelProcess, { how, stderr }: ModelProcessEnd, duringRun: boolean): void => {
    lastError = `the model process ${how}`;
    if (unproven()) {
      fail(
        new MinerError('MODEL_UNAVAILABLE', `the model process ${how} while it loaded`, {
          fields: { stderr },
        }),
      );
      return;
    }
    logger.error({ task, pid: child.pid, how, stderr }, 'model process ended');
    if (!duringRun) idleDeaths += 1;
    if (idleDeaths >= DEATHS_UNTIL_FAILED) {
      const message = `the model process died ${idleDeaths} times in a row: it ${how}`;
      fail(new MinerError('MODEL_UNAVAILABLE', message));
    } else if (state === 'ready') {
      enter('restarting');
    }
  };

  const pauseMs = (): number => {
    if (state === 'failed') return RETRY_FAILED_MS;
    return idleDeaths < 2 ? 0 : FIRST_PAUSE_MS * 2 ** idleDeaths;
  };

  const live = async (): Promise<void> => {
    try {
      await supervise();
    } catch (error) {
      current?.kill();
      fail(new MinerError('MODEL_UNAVAILABLE', `the model process could not be run: ${String(error)}`));
    }
  };
  const life = live();

  return {
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    get process() {
      return state === 'ready' && current?.alive === true ? current : undefined;
    },
    get facts() {
      return facts;
    },
    noteRun() {
      idleDeaths = 0;
    },

    ready: (signal) =>
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (signal?.aborted === true) reject(signal.reason);
          else if (state === 'ready') resolve();
          else if (state === 'failed') reject(failure);
          else if (state === 'closed') reject(closingError());
          else return;
          waiters.delete(look);
          signal?.removeEventListener('abort', look);
        };
        waiters.add(look);
        signal?.addEventListener('abort', look);
        look();
      }),

    status: () => ({
      state,
      provider: facts?.provider,
      nodesByProvider: facts === undefined ? {} : countNodes(facts),
      pid: current?.pid,
      restarts,
      recentRestarts: lastHour().length,
      lastError,
      warmupMs,
    }),

    async close() {
      enter('closed');
      closing.abort();
      current?.kill();
      await life;
    },
  };
}

function countNodes({ useByProvider }: ModelFacts): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(useByProvider).map(([provider, { nodes }]) => [provider, nodes]));
}

/** Whether a model failed because memory ran out. Then it may work when another process has ended. */
export function lacksMemory({ code, message }: MinerError): boolean {
  if (code === 'MODEL_UNAVAILABLE' && KILLED.test(message)) return true;
  return NO_MEMORY.test(message.replaceAll(PATHS, ''));
}

/** The answer to every request for a model that is being closed. */
export function closingError(): MinerError {
  return new MinerError('AXON_CLOSING', 'the model is being shut down');
}
