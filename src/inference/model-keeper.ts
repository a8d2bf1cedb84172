import type { Clock } from '../clock.ts';
import { asMinerError, type MinerError } from '../errors.ts';
import { untilAborted } from '../until-aborted.ts';
import type { EngineStatus, LoadedFiles, ReloadReport } from './engine.ts';
import type { ModelLook } from './files/model-files.ts';
import { type ModelCopy, openCopiesFolder } from './files/snapshot.ts';
import { createModelSource } from './files/watcher.ts';
import { createModelGeneration, type GenerationSettings, type ModelGeneration } from './model-generation.ts';
import { createModelSuccession } from './model-succession.ts';
import { refusalOf, requireSameProvider } from './reload-refusal.ts';
import { closingError } from './worker/supervisor.ts';

interface ModelKeeperOptions {
  readonly settings: GenerationSettings;
  /** Where private copies of the model's files are kept: on disk, and where no one tidies. */
  readonly copiesFolder: string;
  /** Between two looks at the files. */
  readonly pollMs: number;
  readonly clock: Clock;
}

/** Keeps a model loaded, and puts another in its place when its files change or when it is told to. */
export interface ModelKeeper {
  /** What requests are to be given to; undefined before there was one. */
  readonly current: ModelGeneration | undefined;
  /** Why there never was one. */
  readonly failure: MinerError | undefined;
  ready(signal?: AbortSignal): Promise<void>;
  reload(reason: string): Promise<ReloadReport>;
  status(): Pick<
    EngineStatus,
    'loaded' | 'reloading' | 'lastReload' | 'missingFiles' | 'restarts' | 'runs' | 'queued'
  >;
  close(): Promise<void>;
}

/** A reload that was asked for, and is not under way yet. */
interface Request {
  readonly reason: string;
  readonly report: Promise<ReloadReport>;
  resolve(report: ReloadReport): void;
}

/**
 * Loads the model at once. From then on one change follows another: of all that happens while one is under way, only
 * the last counts. There are never more than two models: one that answers, and one that is loaded beside it or one whose
 * last requests it outlives.
 */
export function createModelKeeper({
  settings,
  copiesFolder,
  pollMs,
  clock,
}: ModelKeeperOptions): ModelKeeper {
  const { task, modelPath, logger } = settings;
  const closing = new AbortController();
  const source = createModelSource({ modelPath, copiesFolder, pauseMs: pollMs, logger });
  const succession = createModelSuccession();
  let candidate: ModelGeneration | undefined;
  let failure: MinerError | undefined;
  let reloading = false;
  let missingFiles: readonly string[] = [];
  /** The files that hold what the model that answers was loaded from: others than those, where they were written anew. */
  let heldBy: ModelLook | undefined;
  /** Whether the copy of the model that answers is gone and the files were tried in its place. */
  let copyMissed = false;
  let lastReload: ReloadReport | undefined;
  let asked: Request | undefined;
  let wake: () => void = () => undefined;

  const start = async (): Promise<void> => {
    try {
      await openCopiesFolder(copiesFolder, logger);
      const copy = await source.take(closing.signal);
      succession.replaceBy(createModelGeneration(settings, copy, { onTrial: false }));
    } catch (error) {
      failure = asMinerError(error, 'MODEL_UNREADABLE');
      if (closing.signal.aborted) return;
      const { code, message: detail } = failure;
      logger.error({ task, modelPath, code, detail }, 'model failed');
    }
  };

  /** The model that answers goes on until another is warm, and for good where that is refused. */
  const change = async (reason: string, { evenIfSame = true } = {}): Promise<ReloadReport> => {
    reloading = true;
    try {
      await succession.settled();
      const copy = await source.take(closing.signal);
      if (!evenIfSame && holdsTheSame(copy, succession.current)) {
        await copy.remove();
        heldBy = copy.look;
        logger.info({ task, modelPath }, 'model files written anew, with what they held before');
        return report(reason, { result: 'unchanged' });
      }
      candidate = createModelGeneration(settings, copy, { onTrial: true });
      await candidate.ready(closing.signal);
      requireSameProvider(succession.current, candidate);
      succession.replaceBy(candidate);
      heldBy = copy.look;
      failure = undefined;
      copyMissed = false;
      const { sha256, sizeBytes } = copy;
      logger.info({ task, modelPath, reason, sha256, sizeBytes }, 'model switched');
      return report(reason, { result: 'switched' });
    } catch (error) {
      await candidate?.close();
      const { code, detail, ...more } = refusalOf(error);
      if (!closing.signal.aborted) {
        logger.error({ task, modelPath, reason, code, detail, ...more }, 'new model refused');
      }
      return report(reason, { result: 'refused', code, detail });
    } finally {
      candidate = undefined;
      reloading = false;
    }
  };

  const report = (
    reason: string,
    outcome: Pick<ReloadReport, 'result' | 'code' | 'detail'>,
  ): ReloadReport => {
    lastReload = { at: isoTime(clock.now()), reason, ...outcome };
    return lastReload;
  };

  const lookForChange = async (): Promise<void> => {
    const { current } = succession;
    const finding = await source.look(
      current?.readyAtMs === undefined ? undefined : (heldBy ?? current.copy.look),
    );
    if (finding.kind === 'unsettled') return;
    const missing = finding.kind === 'missing' ? finding.missing : [];
    if (missing.length > 0 && missingFiles.length === 0) {
      logger.warn({ task, modelPath, missing }, 'model files missing; what is loaded goes on');
    }
    missingFiles = missing;
    if (finding.kind === 'changed') await change('the files changed', { evenIfSame: false });
    // Where a process died and the next found its copy gone, the files themselves are tried, once.
    else if (finding.kind === 'same' && current?.failure?.code === 'MODEL_NOT_FOUND' && !copyMissed) {
      copyMissed = true;
      await change('the copy was gone');
    }
  };

  const live = async (): Promise<void> => {
    await started;
    await succession.current?.ready(closing.signal).catch(() => undefined);
    while (!closing.signal.aborted) {
      if (asked === undefined) await pause();
      if (closing.signal.aborted) break;
      const request = asked;
      asked = undefined;
      if (request === undefined) await lookForChange();
      else request.resolve(await change(request.reason));
    }
    asked?.resolve(closedReport(asked.reason));
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

  const started = start();
  const life = live();

  return {
    get current() {
      return succession.current;
    },
    get failure() {
      return failure;
    },

    async ready(signal) {
      await (signal === undefined ? started : untilAborted(started, signal));
      if (succession.current === undefined) throw failure;
      await succession.current.ready(signal);
    },

    async reload(reason) {
      if (closing.signal.aborted) return closedReport(reason);
      asked ??= createRequest(reason);
      wake();
      return asked.report;
    },

    status() {
      const { current } = succession;
      return {
        loaded: current === undefined ? undefined : loadedFiles(current),
        reloading,
        lastReload,
        missingFiles,
        ...succession.totals(),
      };
    },

    async close() {
      closing.abort(closingError());
      wake();
      await Promise.all([succession.close(), candidate?.close(), life]);
      // What was begun while that was waited for.
      await succession.close();
    },
  };
}

function createRequest(reason: string): Request {
  let resolve: Request['resolve'] = () => undefined;
  const report = new Promise<ReloadReport>((settle) => {
    resolve = settle;
  });
  return { reason, report, resolve };
}

function loadedFiles({ copy, readyAtMs }: ModelGeneration): LoadedFiles | undefined {
  if (readyAtMs === undefined) return undefined;
  const { sha256, sizeBytes, modifiedAtMs } = copy;
  return { sha256, sizeBytes, modifiedAt: isoTime(modifiedAtMs), loadedAt: isoTime(readyAtMs) };
}

/** Network mounts may number the same file anew, and tools write a file again without changing it. */
function holdsTheSame(copy: ModelCopy, current: ModelGeneration | undefined): boolean {
  return current?.copy.fingerprint === copy.fingerprint && current.state !== 'failed';
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
