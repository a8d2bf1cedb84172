import type { Clock } from '../clock.ts';
import { asMinerError, type ErrorCode, MinerError } from '../errors.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { untilAborted } from '../until-aborted.ts';
import type { Task } from './contract/model-json.ts';
import type { Device, Engine, EngineState, LoadedFiles, ReloadReport } from './engine.ts';
import type { ModelFiles } from './files/model-files.ts';
import { openSnapshotsFolder, type Snapshot } from './files/snapshot.ts';
import { createModelWatcher } from './files/watcher.ts';
import { createLoadedModel, type LoadedModel, type LoadedModelSettings } from './loaded-model.ts';
import type { HangLimits } from './worker/runner.ts';
import { closingError, lacksMemory } from './worker/supervisor.ts';

/**
 * The engine of one model path: the first load, the watch over the files, and the swap when they change. The miner owns it;
 * it owns the loaded models.
 */

export interface OnnxEngineOptions {
  readonly task: Task;
  /** A `.onnx` file, or a folder with `model.onnx`; a `model.json` is looked for beside it. Only read. */
  readonly modelPath: string;
  readonly device: Device;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Where private files for large pictures and masks are made. */
  readonly temporary: TemporaryFolder;
  /**
   * Where snapshots of the model's files are kept: on disk, in a folder that no other program cleans. It is made if it is
   * missing. Several engines and miners can share it.
   */
  readonly copiesFolder: string;
  readonly hangLimits?: HangLimits;
  /** Milliseconds between two looks at the model's files. */
  readonly pollMs?: number;
}

/** A reload that was asked for and has not begun. */
interface ReloadRequest {
  readonly reason: string;
  readonly waiting: Array<(report: ReloadReport) => void>;
}

const DEFAULT_HANG_LIMITS: HangLimits = { loadMs: 180_000, floorMs: 3_000, ceilingMs: 10_000 };
const DEFAULT_POLL_MS = 2_000;
const TWO_MODELS =
  'a reload holds two models in memory; if there is room for one only, restart the miner to change the model';

/**
 * Loads the model at once. Later changes are made one after the other; of the changes that come during a swap, only the
 * last counts. There are never more than two models: the one that answers, and either a candidate that loads or a former
 * one that still has requests.
 */
export function createOnnxEngine({
  copiesFolder,
  hangLimits = DEFAULT_HANG_LIMITS,
  pollMs = DEFAULT_POLL_MS,
  ...options
}: OnnxEngineOptions): Engine {
  const { task, modelPath, device, clock, logger } = options;
  const settings: LoadedModelSettings = { ...options, hangLimits, onCudaFailure: warnOnce(logger, task) };
  const closing = new AbortController();
  const watcher = createModelWatcher({ modelPath, copiesFolder, pauseMs: pollMs, logger });
  let current: LoadedModel | undefined;
  let candidate: LoadedModel | undefined;
  let former: LoadedModel | undefined;
  let retirement: Promise<void> = Promise.resolve();
  /** Of the models that are closed. */
  const past = { runs: 0, restarts: 0 };
  /** Why there never was a model. */
  let failure: MinerError | undefined;
  /** Files with the same content as the running model; set again when they were rewritten unchanged. */
  let currentFiles: ModelFiles | undefined;
  let missingFiles: readonly string[] = [];
  let reloading = false;
  /** Whether the snapshot of the running model was lost and the files were tried instead. */
  let snapshotRetried = false;
  let lastReload: ReloadReport | undefined;
  let asked: ReloadRequest | undefined;
  let wake: () => void = () => undefined;

  const start = async (): Promise<void> => {
    try {
      await openSnapshotsFolder(copiesFolder, logger);
      const snapshot = await watcher.take(closing.signal);
      currentFiles = snapshot.takenFrom;
      current = createLoadedModel(settings, snapshot, { onTrial: false });
    } catch (error) {
      failure = asMinerError(error, 'MODEL_UNREADABLE');
      if (closing.signal.aborted) return;
      const { code, message: detail } = failure;
      logger.error({ task, modelPath, code, detail }, 'model failed');
    }
  };

  /** The running model answers until the candidate is warm, and goes on if the candidate is refused. */
  const swap = async (reason: string, { evenIfSame = true } = {}): Promise<ReloadReport> => {
    reloading = true;
    try {
      await retirement;
      const snapshot = await watcher.take(closing.signal);
      if (!evenIfSame && holdsTheSame(snapshot, current)) {
        await snapshot.remove();
        currentFiles = snapshot.takenFrom;
        logger.info({ task, modelPath }, 'model files rewritten with the same content');
        return report(reason, { result: 'unchanged' });
      }
      candidate = createLoadedModel(settings, snapshot, { onTrial: true });
      await candidate.ready(closing.signal);
      requireSameProvider(current, candidate);
      if (current !== undefined) retire(current);
      current = candidate;
      currentFiles = snapshot.takenFrom;
      failure = undefined;
      snapshotRetried = false;
      const { sha256, sizeBytes } = snapshot;
      logger.info({ task, modelPath, reason, sha256, sizeBytes }, 'model switched');
      return report(reason, { result: 'switched' });
    } catch (error) {
      await candidate?.close();
      const { code, detail, ...more } = describeRefusal(error);
      if (!closing.signal.aborted) {
        logger.error({ task, modelPath, reason, code, detail, ...more }, 'new model refused');
      }
      return report(reason, { result: 'refused', code, detail });
    } finally {
      candidate = undefined;
      reloading = false;
    }
  };

  const retire = (model: LoadedModel): void => {
    former = model;
    retirement = model.retire().then(() => {
      const { runs, restarts } = model.status();
      past.runs += runs;
      past.restarts += restarts;
      former = undefined;
    });
  };

  const report = (
    reason: string,
    outcome: Pick<ReloadReport, 'result' | 'code' | 'detail'>,
  ): ReloadReport => {
    lastReload = { at: isoTime(clock.now()), reason, ...outcome };
    return lastReload;
  };

  const lookForChange = async (): Promise<void> => {
    const finding = await watcher.look(current?.readyAtMs === undefined ? undefined : currentFiles);
    if (finding.kind === 'unsettled') return;
    const missing = finding.kind === 'missing' ? finding.missing : [];
    if (missing.length > 0 && missingFiles.length === 0) {
      logger.warn({ task, modelPath, missing }, 'model files missing; the loaded model goes on');
    }
    missingFiles = missing;
    if (finding.kind === 'changed') await swap('the files changed', { evenIfSame: false });
    // A process died and the next one found the snapshot gone: the files are tried instead, once.
    else if (finding.kind === 'same' && current?.failure?.code === 'MODEL_NOT_FOUND' && !snapshotRetried) {
      snapshotRetried = true;
      await swap('the snapshot was gone');
    }
  };

  const live = async (): Promise<void> => {
    await started;
    await current?.ready(closing.signal).catch(() => undefined);
    while (!closing.signal.aborted) {
      if (asked === undefined) await pause();
      if (closing.signal.aborted) break;
      const request = asked;
      asked = undefined;
      if (request === undefined) await lookForChange();
      else answer(request, await swap(request.reason));
    }
    if (asked !== undefined) answer(asked, closedReport(asked.reason));
  };

  const closedReport = (reason: string): ReloadReport => {
    const { code, message: detail } = closingError();
    return report(reason, { result: 'refused', code, detail });
  };

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, pollMs).unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const stateNow = (): EngineState => {
    if (closing.signal.aborted) return 'closed';
    return current?.state ?? (failure === undefined ? 'warming' : 'failed');
  };

  const total = (key: 'runs' | 'restarts' | 'queued'): number =>
    [current, former].reduce((sum, model) => sum + (model?.status()[key] ?? 0), 0);

  const started = start();
  const life = live();

  return {
    task,
    get state() {
      return stateNow();
    },

    async ready(signal) {
      if (closing.signal.aborted) throw closingError();
      await (signal === undefined ? started : untilAborted(started, signal));
      if (current === undefined) throw failure;
      await current.ready(signal);
    },

    status: () => ({
      modelPath,
      device,
      provider: undefined,
      nodesByProvider: {},
      pid: undefined,
      recentRestarts: 0,
      lastError: failure?.message,
      warmupMs: undefined,
      ...current?.status(),
      state: stateNow(),
      loaded: current === undefined ? undefined : loadedFiles(current),
      reloading,
      lastReload,
      missingFiles,
      runs: past.runs + total('runs'),
      restarts: past.restarts + total('restarts'),
      queued: total('queued'),
    }),

    async use(work) {
      if (closing.signal.aborted) throw closingError();
      if (current === undefined)
        throw failure ?? new MinerError('MODEL_WARMING', 'the model is still loading');
      return current.use(work);
    },

    reload: (reason) =>
      new Promise((resolve) => {
        if (closing.signal.aborted) {
          resolve(closedReport(reason));
          return;
        }
        asked ??= { reason, waiting: [] };
        asked.waiting.push(resolve);
        wake();
      }),

    async close() {
      closing.abort(closingError());
      wake();
      const closeAll = () => Promise.all([current, candidate, former].map((model) => model?.close()));
      await Promise.all([closeAll(), life]);
      // A swap that was under way may have brought one more.
      await Promise.all([closeAll(), retirement]);
    },
  };
}

function answer({ waiting }: ReloadRequest, report: ReloadReport): void {
  for (const resolve of waiting) resolve(report);
}

/** Warns the first time that CUDA fails. */
function warnOnce(logger: Logger, task: Task): (reason: string) => void {
  let warned = false;
  return (reason) => {
    if (!warned)
      logger.warn({ task, reason }, 'CUDA cannot be used: the model runs on the CPU and is slower');
    warned = true;
  };
}

function loadedFiles({ snapshot, readyAtMs }: LoadedModel): LoadedFiles | undefined {
  if (readyAtMs === undefined) return undefined;
  const { sha256, sizeBytes, modifiedAtMs } = snapshot;
  return { sha256, sizeBytes, modifiedAt: isoTime(modifiedAtMs), loadedAt: isoTime(readyAtMs) };
}

/** A network mount may give an unchanged file another number, and tools write files again unchanged. */
function holdsTheSame(snapshot: Snapshot, current: LoadedModel | undefined): boolean {
  return current?.snapshot.fingerprint === snapshot.fingerprint && current.state !== 'failed';
}

/** What the log says about a candidate that failed. */
export function describeRefusal(error: unknown): {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly remedy: string;
  readonly [field: string]: unknown;
} {
  const refusal = asMinerError(error, 'MODEL_UNREADABLE');
  const { code, message, remedy, fields } = refusal;
  const detail = lacksMemory(refusal) ? `${message} (${TWO_MODELS})` : message;
  return { ...fields, code, detail, remedy };
}

/**
 * If a GPU has no room for two models, ONNX Runtime puts the candidate on the CPU, where it is too slow to answer in time.
 * @throws MinerError MODEL_DEVICE_UNAVAILABLE
 */
export function requireSameProvider(current: LoadedModel | undefined, candidate: LoadedModel): void {
  if (current?.facts?.provider !== 'cuda' || current.state === 'failed') return;
  if (candidate.facts?.provider === 'cuda') return;
  const reason = candidate.facts?.cudaFailure ?? 'no part of it ran on CUDA';
  throw new MinerError(
    'MODEL_DEVICE_UNAVAILABLE',
    `the present model runs on CUDA, and the new one would run on the CPU: ${reason}`,
  );
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
