import { setTimeout as sleep } from 'node:timers/promises';
import type { DeadlineClock } from '../admission/deadline.ts';
import { MinerError } from '../errors.ts';
import type { RgbFrames } from '../media/frames.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ChildPrediction, ReadyMessage } from './child-protocol.ts';
import type { ModelContract } from './contract.ts';
import { createCrashRecord } from './crash-record.ts';
import type { Device, Engine, EngineInput, EngineState, InferOptions, Prediction } from './engine.ts';
import type { Task } from './model-json.ts';
import {
  type ModelProcess,
  type ModelProcessEnd,
  ModelProcessGone,
  startModelProcess,
} from './model-process.ts';
import { countPhysicalCores } from './physical-cores.ts';
import { createPixelTransfer, type PixelTransfer } from './pixel-transfer.ts';
import { createRunQueue, type QueuedRun } from './run-queue.ts';

/** When a process that doesn't answer is taken to hang; the defaults leave room for a retry within 11 seconds. */
interface HangLimits {
  /** For loading the model and its warm-up. */
  readonly loadMs: number;
  /** A run may take 20 times the slowest that was seen, but no less than `floorMs` and no more than `ceilingMs`. */
  readonly floorMs: number;
  readonly ceilingMs: number;
}

export interface OnnxEngineOptions {
  readonly task: Task;
  /** A `.onnx` file, or a folder with `model.onnx`; `model.json` is looked for beside it. Only ever read. */
  readonly modelPath: string;
  readonly device: Device;
  readonly logger: Logger;
  readonly clock: DeadlineClock;
  /** Where private files for large pictures are made; /dev/shm, then the system's temporary folder when absent. */
  readonly temporaryFolder?: string;
  readonly hangLimits?: HangLimits;
}

const DEFAULT_HANG_LIMITS: HangLimits = { loadMs: 180_000, floorMs: 3_000, ceilingMs: 10_000 };
const HANG_FACTOR = 20;
/** Each holds decoded pictures, so their number bounds memory; the miner's own admission is stricter. */
const QUEUE_LIMIT = 64;
/** A model of free size takes pictures up to here, 4096 × 4096: as float32 that is 201 MB. */
const NATIVE_LIMIT_PIXELS = 16_777_216;
/** Deaths in a row, none of them during a run, after which it is no longer tried at once. */
const DEATHS_UNTIL_FAILED = 5;
const FIRST_PAUSE_MS = 100;
const RETRY_FAILED_MS = 30_000;

/** ONNX Runtime in a process of its own, which is replaced when it dies or hangs. Loading starts at once. */
export function createOnnxEngine({
  task,
  modelPath,
  device,
  logger,
  clock,
  temporaryFolder,
  hangLimits = DEFAULT_HANG_LIMITS,
}: OnnxEngineOptions): Engine {
  const queue = createRunQueue({ limit: QUEUE_LIMIT });
  const crashes = createCrashRecord({ clock });
  const closing = new AbortController();
  const waiters = new Set<() => void>();
  let state: EngineState = 'warming';
  let failure: MinerError | undefined;
  let current: ModelProcess | undefined;
  let announced: ReadyMessage | undefined;
  let transfer: PixelTransfer | undefined;
  let pumping = false;
  let pumped: Promise<void> = Promise.resolve();
  let running: QueuedRun | undefined;
  let [restarts, runs, runNumber, idleDeaths, slowestRunMs] = [0, 0, 0, 0, 0];
  let warmupMs: number | undefined;
  let lastError: string | undefined;
  let cudaWarned = false;

  const enter = (next: EngineState): void => {
    if (state === 'closed') return;
    state = next;
    for (const wake of waiters) wake();
  };

  const fail = (error: MinerError): void => {
    failure = error;
    lastError = error.message;
    logger.error({ task, modelPath, code: error.code, detail: error.message }, 'model failed');
    enter('failed');
    queue.rejectWaiting(() => error);
  };

  const load = async (child: ModelProcess, { folders }: PixelTransfer): Promise<'ready' | 'refused'> => {
    const startedAt = clock.monotonic();
    const threads = countPhysicalCores();
    const message = { type: 'load', modelPath, task, device, threads, folders } as const;
    const answer = await child.request(message, hangLimits.loadMs);
    if (answer.type === 'refused') {
      fail(new MinerError(answer.code, answer.message));
      return 'refused';
    }
    if (answer.type !== 'ready')
      throw new MinerError('INTERNAL', `The model process answered ${answer.type}`);
    announced = answer;
    failure = undefined;
    slowestRunMs = Math.max(slowestRunMs, answer.runMs);
    warmupMs = clock.monotonic() - startedAt;
    const { provider, nodesByProvider, runMs, cudaFailure } = answer;
    if (cudaFailure !== undefined && !cudaWarned) {
      cudaWarned = true;
      logger.warn(
        { task, reason: cudaFailure },
        'CUDA cannot be used: the model runs on the CPU and is slower',
      );
    }
    logger.info(
      { task, modelPath, provider, nodesByProvider, pid: child.pid, warmupMs, runMs },
      'model ready',
    );
    enter('ready');
    return 'ready';
  };

  /** One process after the other, until the engine is closed or the model refused. */
  const supervise = async (): Promise<void> => {
    transfer = await createPixelTransfer(temporaryFolder === undefined ? undefined : [temporaryFolder]);
    while (!closing.signal.aborted) {
      const child = startModelProcess(task);
      current = child;
      const outcome = await load(child, transfer).catch((error: unknown) => {
        if (!(error instanceof ModelProcessGone)) throw error;
        return 'died' as const;
      });
      if (outcome === 'ready') startPump();
      if (outcome === 'refused') child.kill();
      const end = await child.gone;
      current = undefined;
      if (closing.signal.aborted || (outcome === 'refused' && announced === undefined)) return;
      if (outcome !== 'refused') noteDeath(child, end, outcome === 'ready' && end.duringRequest);
      restarts += 1;
      await sleep(pauseMs(), undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };

  const noteDeath = (child: ModelProcess, { how, stderr }: ModelProcessEnd, duringRun: boolean): void => {
    lastError = `The model process ${how}`;
    logger.error({ task, pid: child.pid, how, stderr }, 'model process ended');
    if (!duringRun) idleDeaths += 1;
    if (idleDeaths >= DEATHS_UNTIL_FAILED) {
      fail(
        new MinerError('MODEL_UNAVAILABLE', `The model process died ${idleDeaths} times in a row: it ${how}`),
      );
    } else if (state === 'ready') {
      enter('restarting');
    }
  };

  const pauseMs = (): number => {
    if (state === 'failed') return RETRY_FAILED_MS;
    return idleDeaths < 2 ? 0 : FIRST_PAUSE_MS * 2 ** idleDeaths;
  };

  const hangLimitMs = (contract: ModelContract): number =>
    contract.input.fit.mode === 'native'
      ? hangLimits.ceilingMs
      : Math.min(hangLimits.ceilingMs, Math.max(hangLimits.floorMs, HANG_FACTOR * slowestRunMs));

  /** The process died on this input: it gets one more attempt, in a fresh process. */
  const retryOrBar = (run: QueuedRun, gone: ModelProcessGone): void => {
    const { contentHash } = run.input;
    logger.warn({ task, contentHash, how: gone.message }, 'model process died during a run');
    crashes.add(contentHash);
    if (!crashes.isBarred(contentHash)) {
      queue.restore(run);
      return;
    }
    const error = barred(contentHash, gone.message);
    run.reject(error);
    queue.rejectWaiting((other) => (other.input.contentHash === contentHash ? error : undefined));
  };

  const attempt = async (run: QueuedRun, child: ModelProcess, via: PixelTransfer): Promise<void> => {
    const { frames, sourceSize } = run.input;
    const name = String(runNumber++);
    try {
      const pixels = await via.send(`${name}.in`, frames.data);
      if (run.settled) return;
      const { count, height, width } = frames;
      const resultName = `${name}.out`;
      const message = { type: 'run', resultName, pixels, count, height, width, sourceSize } as const;
      const answer = await child.request(message, hangLimitMs(contractOf()));
      if (answer.type === 'failed') throw new MinerError(answer.code, answer.message);
      if (answer.type !== 'result')
        throw new MinerError('INTERNAL', `The model process answered ${answer.type}`);
      runs += 1;
      idleDeaths = 0;
      slowestRunMs = Math.max(slowestRunMs, answer.runMs);
      if (!run.settled) run.resolve(await toPrediction(answer.prediction, sourceSize, via));
    } catch (error) {
      if (!(error instanceof ModelProcessGone)) run.reject(error);
      else if (closing.signal.aborted) run.reject(closed());
      else if (error.duringRequest) retryOrBar(run, error);
      else if (state === 'failed') run.reject(failure);
      else queue.restore(run);
    } finally {
      await Promise.all([via.discard(`${name}.in`), via.discard(`${name}.out`)]);
    }
  };

  /** One run after the other, for as long as there is a process and something to do. */
  const pump = async (): Promise<void> => {
    pumping = true;
    try {
      while (state === 'ready' && current?.alive === true && transfer !== undefined) {
        const run = queue.take();
        if (run === undefined) return;
        running = run;
        await attempt(run, current, transfer);
        running = undefined;
      }
    } finally {
      running = undefined;
      pumping = false;
    }
  };

  const startPump = (): void => {
    if (!pumping) pumped = pump();
  };

  const contractOf = (): ModelContract => {
    if (announced === undefined)
      throw failure ?? new MinerError('MODEL_WARMING', 'The model is still loading');
    return announced.contract;
  };

  const life = supervise().catch((error: unknown) => {
    current?.kill();
    fail(new MinerError('MODEL_UNAVAILABLE', `The model process could not be run: ${String(error)}`));
  });

  return {
    task,
    get contract() {
      return contractOf();
    },

    status: () => ({
      state,
      modelPath,
      device,
      provider: announced?.provider,
      nodesByProvider: announced?.nodesByProvider ?? {},
      pid: current?.pid,
      restarts,
      lastError,
      runs,
      queued: queue.size + (running?.settled === false ? 1 : 0),
      warmupMs,
    }),

    ready: (signal) =>
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (signal?.aborted === true) reject(signal.reason);
          else if (state === 'ready') resolve();
          else if (state === 'failed') reject(failure);
          else if (state === 'closed') reject(closed());
          else return;
          waiters.delete(look);
          signal?.removeEventListener('abort', look);
        };
        waiters.add(look);
        signal?.addEventListener('abort', look);
        look();
      }),

    async infer(input: EngineInput, options: InferOptions): Promise<Prediction> {
      if (state === 'closed') throw closed();
      if (state === 'failed' && failure !== undefined) throw failure;
      requireFrames(input.frames, contractOf());
      if (crashes.isBarred(input.contentHash)) throw barred(input.contentHash, 'died on it before');
      const answer = queue.add(input, options);
      startPump();
      return answer;
    },

    async close(): Promise<void> {
      if (!closing.signal.aborted) {
        enter('closed');
        closing.abort();
        queue.rejectWaiting(closed);
      }
      current?.kill();
      await Promise.all([life, pumped]);
      await transfer?.close();
    },
  };
}

async function toPrediction(
  prediction: ChildPrediction,
  { height, width }: EngineInput['sourceSize'],
  via: PixelTransfer,
): Promise<Prediction> {
  if (prediction.kind === 'probabilities') return prediction;
  return { kind: 'mask', float16le: await via.receive(prediction.float16le), height, width };
}

/** Whoever samples and resizes media does it by the contract; anything else is a fault of the miner. */
function requireFrames({ data, count, height, width }: RgbFrames, { input }: ModelContract): void {
  const { fit, frames } = input;
  const sized = fit.mode === 'native' || (fit.height === height && fit.width === width);
  if (count !== frames || !sized || data.length !== count * height * width * 3) {
    throw new MinerError(
      'INTERNAL',
      `${count} frames of ${height} × ${width} do not fit the model's contract`,
    );
  }
  if (fit.mode === 'native' && height * width > NATIVE_LIMIT_PIXELS) {
    throw new MinerError('MEDIA_TOO_LARGE', `${height} × ${width} is more than the model is given at once`);
  }
}

function barred(contentHash: string, how: string): MinerError {
  return new MinerError(
    'INFERENCE_CRASHED',
    `The model process ${how}; this input is refused for ten minutes`,
    {
      fields: { contentHash },
    },
  );
}

function closed(): MinerError {
  return new MinerError('AXON_CLOSING', 'The model is being shut down');
}
