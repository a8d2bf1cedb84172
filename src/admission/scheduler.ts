import { MinerError } from '../errors.ts';
import type { Deadline } from './deadline.ts';

/** The kinds of work that take turns among themselves: a burst of videos never holds up the images. */
export type Lane = 'image' | 'video';

interface Job {
  readonly lane: Lane;
  /** ss58 address of the validator that is served. */
  readonly caller: string;
  readonly deadline: Deadline;
}

/** Decides which verified request is worked on next. */
export interface Scheduler {
  /**
   * Waits for the job's turn, runs it and gives its result.
   * @throws MinerError ADMISSION_QUEUE_FULL, or the reason of the deadline's signal when that ends the wait
   */
  run<T>(job: Job, work: () => Promise<T>): Promise<T>;
  status(): Readonly<Record<Lane, { running: number; waiting: number; slots: number }>>;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

interface Waiting extends Job {
  readonly admit: () => void;
  readonly refuse: (error: unknown) => void;
}

interface SchedulerOptions {
  /** How many jobs of a lane run at once. */
  readonly slots: Readonly<Record<Lane, number>>;
  /** How many may wait, over all lanes. */
  readonly maxWaiting: number;
}

/**
 * A scheduler that picks, within a lane, the validator with the fewest jobs running, and among equals the job that is
 * due first. When too many wait, the validator with the most of them gives one up.
 */
export function createScheduler({ slots, maxWaiting }: SchedulerOptions): Scheduler {
  const waiting = new Set<Waiting>();
  const running = new Map<string, number>();
  const busy: Record<Lane, number> = { image: 0, video: 0 };
  let idleWaiters: Array<() => void> = [];

  function dispatch(lane: Lane): void {
    while (busy[lane] < slots[lane]) {
      const next = [...waiting]
        .filter((job) => job.lane === lane)
        .sort(
          (a, b) =>
            (running.get(a.caller) ?? 0) - (running.get(b.caller) ?? 0) ||
            a.deadline.remainingMs() - b.deadline.remainingMs(),
        )[0];
      if (next === undefined) return;
      waiting.delete(next);
      busy[lane]++;
      running.set(next.caller, (running.get(next.caller) ?? 0) + 1);
      next.admit();
    }
  }

  function release(job: Job): void {
    busy[job.lane]--;
    const left = (running.get(job.caller) ?? 1) - 1;
    if (left === 0) running.delete(job.caller);
    else running.set(job.caller, left);
    dispatch(job.lane);
    tellWhenIdle();
  }

  function tellWhenIdle(): void {
    if (running.size > 0 || waiting.size > 0) return;
    for (const resolve of idleWaiters) resolve();
    idleWaiters = [];
  }

  /** The waiting job to give up for a newcomer: the least urgent one of the caller that has the most waiting. */
  function leastDeserving(): Waiting | undefined {
    const counts = new Map<string, number>();
    for (const { caller } of waiting) counts.set(caller, (counts.get(caller) ?? 0) + 1);
    return [...waiting].sort(
      (a, b) =>
        (counts.get(b.caller) ?? 0) - (counts.get(a.caller) ?? 0) ||
        b.deadline.remainingMs() - a.deadline.remainingMs(),
    )[0];
  }

  function turn(job: Job): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = job.deadline;
      if (signal.aborted) return reject(signal.reason);
      const leave = (settle: () => void) => {
        signal.removeEventListener('abort', giveUp);
        waiting.delete(entry);
        settle();
      };
      const refuse = (error: unknown) => {
        leave(() => reject(error));
        tellWhenIdle();
      };
      const giveUp = () => refuse(signal.reason);
      const entry: Waiting = { ...job, admit: () => leave(resolve), refuse };
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.add(entry);
      dispatch(job.lane);
      if (waiting.size > maxWaiting) {
        leastDeserving()?.refuse(
          new MinerError('ADMISSION_QUEUE_FULL', 'more requests wait than can be answered'),
        );
      }
    });
  }

  return {
    async run(job, work) {
      await turn(job);
      try {
        return await work();
      } finally {
        release(job);
      }
    },
    status: () => {
      const lane = (name: Lane) => ({
        running: busy[name],
        waiting: [...waiting].filter((job) => job.lane === name).length,
        slots: slots[name],
      });
      return { image: lane('image'), video: lane('video') };
    },
    idle: () =>
      running.size === 0 && waiting.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => idleWaiters.push(resolve)),
  };
}
