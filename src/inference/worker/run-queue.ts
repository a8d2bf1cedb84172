import { MinerError } from '../../errors.ts';
import type { EngineInput, InferOptions, Prediction } from '../engine.ts';

/** One request, from the call to its answer. */
export interface QueuedRun {
  readonly input: EngineInput;
  readonly options: InferOptions;
  /** True once its caller has an answer or an error; whatever comes later is ignored. */
  readonly settled: boolean;
  resolve(prediction: Prediction): void;
  reject(error: unknown): void;
}

/** Requests that wait for the model: the highest priority first, then the earliest deadline, then the oldest. */
export interface RunQueue {
  readonly size: number;
  /**
   * Enters a request. It leaves the queue by itself when its deadline passes or its caller gives up.
   * @throws MinerError ADMISSION_QUEUE_FULL
   */
  add(input: EngineInput, options: InferOptions): Promise<Prediction>;
  /** Puts back one that was taken, for another attempt. */
  restore(run: QueuedRun): void;
  /** Takes the next one that still wants an answer. */
  take(): QueuedRun | undefined;
  /** Refuses those waiting for which `reason` gives an error. */
  rejectWaiting(reason: (run: QueuedRun) => MinerError | undefined): void;
}

export function createRunQueue({ limit }: { readonly limit: number }): RunQueue {
  const waiting = new Set<QueuedRun>();

  const add = (input: EngineInput, options: InferOptions): Promise<Prediction> => {
    if (waiting.size >= limit) {
      throw new MinerError('ADMISSION_QUEUE_FULL', `${waiting.size} requests already wait for the model`);
    }
    return new Promise<Prediction>((resolve, reject) => {
      const signals = [options.deadline.signal, ...(options.signal === undefined ? [] : [options.signal])];
      let settled = false;
      const settle = (): boolean => {
        if (settled) return false;
        settled = true;
        waiting.delete(run);
        for (const signal of signals) signal.removeEventListener('abort', giveUp);
        return true;
      };
      const run: QueuedRun = {
        input,
        options,
        get settled() {
          return settled;
        },
        resolve(prediction) {
          if (settle()) resolve(prediction);
        },
        reject(error) {
          if (settle()) reject(error);
        },
      };
      const giveUp = (): void => {
        run.reject(signals.find((signal) => signal.aborted)?.reason);
      };
      waiting.add(run);
      for (const signal of signals) signal.addEventListener('abort', giveUp);
      if (signals.some((signal) => signal.aborted)) giveUp();
    });
  };

  const take = (): QueuedRun | undefined => {
    let next: QueuedRun | undefined;
    for (const run of waiting) {
      if (run.options.deadline.remainingMs() <= 0) {
        run.reject(new MinerError('ADMISSION_DEADLINE', 'the deadline passed before the model was free'));
      } else if (next === undefined || comesBefore(run, next)) {
        next = run;
      }
    }
    if (next !== undefined) waiting.delete(next);
    return next;
  };

  return {
    get size() {
      return waiting.size;
    },
    add,
    restore(run) {
      if (!run.settled) waiting.add(run);
    },
    take,
    rejectWaiting(reason) {
      for (const run of waiting) {
        const error = reason(run);
        if (error !== undefined) run.reject(error);
      }
    },
  };
}

function comesBefore({ options: a }: QueuedRun, { options: b }: QueuedRun): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.deadline.remainingMs() < b.deadline.remainingMs();
}
