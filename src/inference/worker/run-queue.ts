import { MinerError } from '../../errors.ts';
import type { EngineInput, InferOptions, Prediction } from '../engine.ts';

/** One request, from the call to its answer. */
export interface QueuedRun {
  readonly input: EngineInput;
  readonly deadline: InferOptions['deadline'];
  /** True once its caller has an answer or an error; a later one is ignored. */
  readonly settled: boolean;
  resolve(prediction: Prediction): void;
  reject(error: unknown): void;
}

/** Requests that wait for the model: the earliest deadline first, then the oldest. The runner owns it. */
export interface RunQueue {
  readonly size: number;
  /**
   * Adds a request. It leaves the queue when its deadline passes.
   * @throws MinerError ADMISSION_QUEUE_FULL
   */
  add(input: EngineInput, options: InferOptions): Promise<Prediction>;
  /** Puts back a request that was taken, for another attempt. */
  restore(run: QueuedRun): void;
  /** Takes the next request that still wants an answer. */
  take(): QueuedRun | undefined;
  /** Refuses each waiting request for which `reason` gives an error. */
  rejectWaiting(reason: (run: QueuedRun) => MinerError | undefined): void;
}

export function createRunQueue({ limit }: { readonly limit: number }): RunQueue {
  const waiting = new Set<QueuedRun>();

  const add = (input: EngineInput, { deadline }: InferOptions): Promise<Prediction> => {
    if (waiting.size >= limit) {
      throw new MinerError('ADMISSION_QUEUE_FULL', `${waiting.size} requests already wait for the model`);
    }
    return new Promise<Prediction>((resolve, reject) => {
      const { signal } = deadline;
      let settled = false;
      const settle = (): boolean => {
        if (settled) return false;
        settled = true;
        waiting.delete(run);
        signal.removeEventListener('abort', giveUp);
        return true;
      };
      const run: QueuedRun = {
        input,
        deadline,
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
      const giveUp = (): void => run.reject(signal.reason);
      waiting.add(run);
      signal.addEventListener('abort', giveUp);
      if (signal.aborted) giveUp();
    });
  };

  const take = (): QueuedRun | undefined => {
    let next: QueuedRun | undefined;
    for (const run of waiting) {
      const remainingMs = run.deadline.remainingMs();
      if (remainingMs <= 0) {
        run.reject(new MinerError('ADMISSION_DEADLINE', 'the deadline passed before the model was free'));
      } else if (next === undefined || remainingMs < next.deadline.remainingMs()) {
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
