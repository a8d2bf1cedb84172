// Decides which verified request is worked on next, and ends work that takes too long while others wait.
// The assembly makes it; routes.ts runs every request through it.
import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';
import type { Deadline } from './deadline.ts';

/** Work takes turns within its lane only, so that a burst of videos never holds up the images. */
export type Lane = 'image' | 'video';

interface Job {
  readonly lane: Lane;
  /** Hotkey of the validator that is served. */
  readonly caller: string;
  readonly deadline: Deadline;
}

export interface Scheduler {
  /**
   * Waits for the job's turn, runs it and gives its result. The work must end soon after the deadline's signal: its slot
   * is free when it has ended, or when it calls `freeSlot`. It counts as running until it has ended.
   * @throws MinerError ADMISSION_QUEUE_FULL, ADMISSION_YIELDED if it kept others waiting for too long, or the reason of the
   *   deadline's signal if that ends the wait
   */
  run<T>(job: Job, work: (freeSlot: () => void) => Promise<T>): Promise<T>;
  status(): Readonly<Record<Lane, { running: number; waiting: number; slots: number }>>;
  /** Resolves when no job runs or waits. */
  idle(): Promise<void>;
}

interface Waiting extends Job {
  readonly sinceMs: number;
  readonly admit: () => void;
  readonly refuse: (error: unknown) => void;
}

interface Running extends Job {
  readonly sinceMs: number;
  holdsSlot: boolean;
  /** Why it was ended early. */
  yielded: MinerError | undefined;
}

interface SchedulerOptions {
  /** How many jobs of a lane hold a slot at once. */
  readonly slots: Readonly<Record<Lane, number>>;
  /** How many may wait, over all lanes. */
  readonly maxWaiting: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * Any work may take this long: the largest clips of validators (91 MB, 9.1 CPU-seconds) need it on two free cores.
 * Validators wait 11 s, so a request that waits behind it still has more than half of its time.
 */
const MIN_ALLOWANCE_MS = 4_000;
/** Honest clips differ in size, up to 50 million pixels, so a clip may take a few times as long as the median. */
const ALLOWED_RATIO = 4;
const REMEMBERED_JOBS = 64;

/** A job waits this long before dear work of another caller is ended for it. */
const PATIENCE_MS = 2_000;
const REVIEW_INTERVAL_MS = 200;
/** How long a caller whose work was ended stands behind all others: validators call about once a minute. */
const BEHIND_OTHERS_MS = 60_000;
/**
 * Jobs of a lane for each of its slots, with and without one. A job that has freed its slot holds decoded frames and waits
 * for the model, so this bounds their memory.
 */
const JOBS_PER_SLOT = 2;
/** As many as the queue of a model takes; a lane with more slots has no jobs beside them. */
const MOST_JOBS_BESIDE_SLOTS = 64;

/**
 * Picks, within a lane, the caller with the fewest jobs running, and among equals the job that is due first. A caller has
 * fewer jobs running in a lane than the lane has slots, unless it has only one. Work that takes far longer than that of
 * others is ended if a job of another caller has waited for 2 s and can take its place; its caller then stands behind all
 * others for a minute. If too many jobs wait, the caller with the most of them gives one up.
 */
export function createScheduler({ slots, maxWaiting, clock }: SchedulerOptions): Scheduler {
  const waiting = new Set<Waiting>();
  const running = new Set<Running>();
  const times = createWorkTimes();
  /** Callers whose work was ended, and until when they stand behind the others. */
  const behind = new Map<string, number>();
  let review: NodeJS.Timeout | undefined;
  let idleWaiters: Array<() => void> = [];

  const runningIn = (lane: Lane) => [...running].filter((job) => job.lane === lane);
  const hasFreeSlot = (lane: Lane) => runningIn(lane).filter((job) => job.holdsSlot).length < slots[lane];
  const runningOf = (caller: string) => [...running].filter((job) => job.caller === caller).length;
  const isBehind = (caller: string) => (behind.get(caller) ?? 0) > clock.monotonic();

  function mayStart({ lane, caller }: Job): boolean {
    const own = runningIn(lane).filter((job) => job.caller === caller).length;
    return own < Math.max(1, slots[lane] - 1);
  }

  function hasRoom(lane: Lane): boolean {
    const most = Math.max(slots[lane], Math.min(JOBS_PER_SLOT * slots[lane], MOST_JOBS_BESIDE_SLOTS));
    return hasFreeSlot(lane) && runningIn(lane).length < most;
  }

  function dispatch(lane: Lane): void {
    while (hasRoom(lane)) {
      const next = [...waiting]
        .filter((job) => job.lane === lane && mayStart(job))
        .sort(
          (a, b) =>
            Number(isBehind(a.caller)) - Number(isBehind(b.caller)) ||
            runningOf(a.caller) - runningOf(b.caller) ||
            a.deadline.remainingMs() - b.deadline.remainingMs(),
        )[0];
      if (next === undefined) return;
      waiting.delete(next);
      next.admit();
    }
  }

  /** Ends, in each lane, the oldest work that takes too long, if that lets a job start that has waited long enough. */
  function endDearWork(): void {
    const now = clock.monotonic();
    for (const lane of ['image', 'video'] as const) {
      if (runningIn(lane).some((job) => job.yielded)) continue;
      const patient = [...waiting].filter(
        (job) => job.lane === lane && now - job.sinceMs >= PATIENCE_MS && !isBehind(job.caller),
      );
      const [dear] = runningIn(lane)
        .filter(({ holdsSlot }) => holdsSlot || hasFreeSlot(lane))
        .filter(({ caller, sinceMs }) => now - sinceMs >= times.allowanceMs(lane, caller))
        .filter(({ caller }) => patient.some((job) => job.caller !== caller && mayStart(job)))
        .sort((a, b) => a.sinceMs - b.sinceMs);
      if (dear === undefined) continue;
      dear.yielded = new MinerError(
        'ADMISSION_YIELDED',
        'the request took far longer than those of other callers, which had to wait',
        { fields: { tookMs: Math.round(now - dear.sinceMs) } },
      );
      for (const [caller, untilMs] of behind) if (untilMs <= now) behind.delete(caller);
      behind.set(dear.caller, now + BEHIND_OTHERS_MS);
      dear.deadline.cancel(dear.yielded);
    }
  }

  /** Reviews the running jobs for as long as a job waits. */
  function watchWaiting(): void {
    if (waiting.size > 0) review ??= setInterval(endDearWork, REVIEW_INTERVAL_MS).unref();
    else {
      clearInterval(review);
      review = undefined;
    }
  }

  function tellWhenIdle(): void {
    if (running.size > 0 || waiting.size > 0) return;
    for (const resolve of idleWaiters) resolve();
    idleWaiters = [];
  }

  /** The waiting job that gives way to a newcomer: the least urgent one of the caller with the most waiting jobs. */
  function leastDeserving(): Waiting | undefined {
    const counts = new Map<string, number>();
    for (const { caller } of waiting) counts.set(caller, (counts.get(caller) ?? 0) + 1);
    return [...waiting].sort(
      (a, b) =>
        (counts.get(b.caller) ?? 0) - (counts.get(a.caller) ?? 0) ||
        b.deadline.remainingMs() - a.deadline.remainingMs(),
    )[0];
  }

  function turn(job: Job): Promise<Running> {
    return new Promise((resolve, reject) => {
      const { signal } = job.deadline;
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        signal.removeEventListener('abort', giveUp);
        waiting.delete(entry);
        watchWaiting();
      };
      const admit = () => {
        leave();
        const sinceMs = clock.monotonic();
        const started: Running = { ...job, sinceMs, holdsSlot: true, yielded: undefined };
        running.add(started);
        resolve(started);
      };
      const refuse = (error: unknown) => {
        leave();
        reject(error);
        tellWhenIdle();
      };
      const giveUp = () => refuse(signal.reason);
      const entry: Waiting = { ...job, sinceMs: clock.monotonic(), admit, refuse };
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.add(entry);
      dispatch(job.lane);
      watchWaiting();
      if (waiting.size > maxWaiting) {
        leastDeserving()?.refuse(new MinerError('ADMISSION_QUEUE_FULL', 'too many requests wait'));
      }
    });
  }

  return {
    async run(job, work) {
      const started = await turn(job);
      try {
        const result = await work(() => {
          started.holdsSlot = false;
          dispatch(job.lane);
        });
        times.note(job.lane, job.caller, clock.monotonic() - started.sinceMs);
        return result;
      } catch (error) {
        throw started.yielded ?? error;
      } finally {
        running.delete(started);
        dispatch(job.lane);
        tellWhenIdle();
      }
    },
    status: () => {
      const lane = (name: Lane) => ({
        running: runningIn(name).length,
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

/** How long recent work of each lane took. Shows which work takes far longer than that of other callers. */
interface WorkTimes {
  /** Notes work that succeeded. */
  note(lane: Lane, caller: string, tookMs: number): void;
  /** How long a job of `caller` may keep others waiting, in milliseconds: at least 4,000. */
  allowanceMs(lane: Lane, caller: string): number;
}

export function createWorkTimes(): WorkTimes {
  const jobs: Record<Lane, ReadonlyArray<{ caller: string; tookMs: number }>> = { image: [], video: [] };
  return {
    note(lane, caller, tookMs) {
      jobs[lane] = [...jobs[lane], { caller, tookMs }].slice(-REMEMBERED_JOBS);
    },
    allowanceMs(lane, caller) {
      // A caller does not raise its own allowance.
      const times = jobs[lane].filter((job) => job.caller !== caller).map(({ tookMs }) => tookMs);
      const middle = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
      return Math.max(MIN_ALLOWANCE_MS, ALLOWED_RATIO * middle);
    },
  };
}
