import type { DeadlineClock } from '../../admission/deadline.ts';
import { MinerError } from '../../errors.ts';
import type { RgbFrames } from '../../media/frames.ts';
import type { TemporaryFolder } from '../../state/temporary-file.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type ModelContract, NATIVE_LIMIT_PIXELS, NATIVE_WARMUP_EDGE } from '../contract/contract.ts';
import type { Task } from '../contract/model-json.ts';
import type { EngineInput, InferOptions, Prediction } from '../engine.ts';
import { createCrashRecord } from './crash-record.ts';
import type { ChildPrediction, RunMessage, RunResult } from './messages.ts';
import { createPixelTransfer, type PixelTransfer } from './pixel-transfer.ts';
import { type ModelProcess, ModelProcessGone } from './process.ts';
import { createRunQueue, type QueuedRun } from './run-queue.ts';
import { closingError, type ModelSupervisor } from './supervisor.ts';

/** When a process that does not answer is killed. The defaults leave time for a retry within 11 seconds. */
export interface HangLimits {
  /** For loading the model and its warm-up. */
  readonly loadMs: number;
  /**
   * A run may take 20 times as long as the slowest so far. For a picture larger than all before, the limit grows with the
   * square of its pixels. It is at least `floorMs` and at most `ceilingMs`.
   */
  readonly floorMs: number;
  readonly ceilingMs: number;
}

interface ModelRunnerOptions {
  readonly task: Task;
  readonly hangLimits: HangLimits;
  /** Owns the process that the runs are given to. */
  readonly supervisor: ModelSupervisor;
  readonly logger: Logger;
  readonly clock: DeadlineClock;
  /** Where private files for large pictures and masks are made. */
  readonly temporary: TemporaryFolder;
}

/** Gives requests to a model's process, one after the other. The loaded model owns it. */
export interface ModelRunner {
  /** Completed runs. */
  readonly runs: number;
  /** Requests that wait or run. */
  readonly queued: number;
  /**
   * @throws MinerError MODEL_WARMING, or the failure of a model that was never ready
   */
  readonly contract: ModelContract;
  /** As `infer` of a held model. */
  infer(input: EngineInput, options: InferOptions): Promise<Prediction>;
  /** Call it when there is a process. */
  start(): void;
  rejectWaiting(error: MinerError): void;
  /** Call it when the supervisor is closed: resolves when no run is under way. */
  idle(): Promise<void>;
}

const HANG_FACTOR = 20;
const FLOAT16_BYTES = 2;
/** Each request holds decoded pictures, so this bounds memory. The miner's admission is stricter. */
const QUEUE_LIMIT = 64;

/**
 * If the process dies during a run, the request gets one more attempt in a new process. An input on which two processes died
 * is refused for ten minutes.
 */
export function createModelRunner({
  task,
  hangLimits,
  supervisor,
  logger,
  clock,
  temporary,
}: ModelRunnerOptions): ModelRunner {
  const queue = createRunQueue({ limit: QUEUE_LIMIT });
  const crashes = createCrashRecord({ clock });
  let running: QueuedRun | undefined;
  let pumping = false;
  let pumped: Promise<void> = Promise.resolve();
  let runs = 0;
  let slowestRunMs = 0;
  let largestPixels = NATIVE_WARMUP_EDGE ** 2;

  /** One run after the other, while there are a process and a request. */
  const pump = async (): Promise<void> => {
    for (let child = supervisor.process; child !== undefined; child = supervisor.process) {
      running = queue.take();
      if (running === undefined) break;
      await attempt(running, child);
    }
    running = undefined;
    pumping = false;
  };

  const startPump = (): void => {
    if (pumping) return;
    pumping = true;
    pumped = pump();
  };

  const attempt = async (run: QueuedRun, child: ModelProcess): Promise<void> => {
    const { frames, sourceSize } = run.input;
    let transfer: PixelTransfer | undefined;
    try {
      const resultBytes = task === 'mask' ? sourceSize.height * sourceSize.width * FLOAT16_BYTES : 0;
      transfer = await createPixelTransfer(temporary, frames.data, resultBytes);
      if (run.settled) return;
      const { prediction, runMs } = await exchange(run, child, transfer);
      runs += 1;
      crashes.clear(run.input.contentHash);
      slowestRunMs = Math.max(slowestRunMs, runMs);
      largestPixels = Math.max(largestPixels, frames.height * frames.width);
      supervisor.noteRun();
      if (!run.settled) run.resolve(await toPrediction(prediction, sourceSize, transfer));
    } catch (error) {
      if (!(error instanceof ModelProcessGone)) run.reject(error);
      else if (supervisor.state === 'closed') run.reject(closingError());
      else if (error.duringRequest) retryOrBar(run, error);
      else if (supervisor.state === 'failed') run.reject(supervisor.failure);
      else queue.restore(run);
    } finally {
      await transfer?.close();
    }
  };

  const exchange = (
    { input }: QueuedRun,
    child: ModelProcess,
    { pixels, resultFile }: PixelTransfer,
  ): Promise<RunResult> => {
    const { count, height, width } = input.frames;
    const { sourceSize } = input;
    const message: RunMessage = { type: 'run', resultFile, pixels, count, height, width, sourceSize };
    return child.request(message, hangLimitMs(height * width));
  };

  const hangLimitMs = (pixels: number): number => {
    const { floorMs, ceilingMs } = hangLimits;
    const { input } = contractOf();
    // With pictures of any size, the time of attention grows with the square of the pixels. Nothing that models do grows faster.
    const growth = input.fit.mode === 'native' ? Math.max(1, pixels / largestPixels) ** 2 : 1;
    const seenMs = Math.max(slowestRunMs, supervisor.facts?.runMs ?? 0);
    return Math.min(ceilingMs, Math.max(floorMs, HANG_FACTOR * seenMs * growth));
  };

  /** The process died on this input: one more attempt, or the end. */
  const retryOrBar = (run: QueuedRun, gone: ModelProcessGone): void => {
    const { contentHash } = run.input;
    logger.warn({ task, contentHash, how: gone.message }, 'model process died during a run');
    crashes.add(contentHash);
    if (!crashes.isBarred(contentHash)) {
      queue.restore(run);
      return;
    }
    const error = barredError(contentHash, gone.message);
    run.reject(error);
    queue.rejectWaiting((other) => (other.input.contentHash === contentHash ? error : undefined));
  };

  const contractOf = (): ModelContract => {
    const { facts, failure } = supervisor;
    if (facts !== undefined) return facts.contract;
    throw failure ?? new MinerError('MODEL_WARMING', 'the model is still loading');
  };

  return {
    get runs() {
      return runs;
    },
    get queued() {
      return queue.size + (running?.settled === false ? 1 : 0);
    },
    get contract() {
      return contractOf();
    },

    async infer(input, options) {
      requireUsable(supervisor);
      requireFrames(input.frames, contractOf());
      if (crashes.isBarred(input.contentHash))
        throw barredError(input.contentHash, 'died on this input before');
      const answer = queue.add(input, options);
      startPump();
      return answer;
    },

    start: startPump,
    rejectWaiting: (error) => queue.rejectWaiting(() => error),
    idle: () => pumped,
  };
}

/** @throws MinerError if there is no process, and none is being started now */
export function requireUsable({ state, failure }: Pick<ModelSupervisor, 'state' | 'failure'>): void {
  if (state === 'closed') throw closingError();
  if (state === 'failed') throw failure;
}

async function toPrediction(
  prediction: ChildPrediction,
  { height, width }: EngineInput['sourceSize'],
  transfer: PixelTransfer,
): Promise<Prediction> {
  if (prediction.kind === 'probabilities') return prediction;
  return { kind: 'mask', float16le: await transfer.receive(prediction.float16le), height, width };
}

/** Media is sampled and resized by the contract. Other frames are a fault of the miner. */
function requireFrames({ data, count, height, width }: RgbFrames, { input }: ModelContract): void {
  const { fit, frames } = input;
  const sized = fit.mode === 'native' || (fit.height === height && fit.width === width);
  if (count !== frames || !sized || data.length !== count * height * width * 3) {
    const given = `${count} frames of ${height} × ${width}`;
    throw new MinerError('INTERNAL', `${given} do not fit the model's contract`);
  }
  if (fit.mode === 'native' && height * width > NATIVE_LIMIT_PIXELS) {
    throw new MinerError('MEDIA_TOO_LARGE', `${height} × ${width} is more than the model is given at once`);
  }
}

function barredError(contentHash: string, how: string): MinerError {
  const message = `the model process ${how}; this input is refused for ten minutes`;
  return new MinerError('INFERENCE_CRASHED', message, { fields: { contentHash } });
}
