/** Work takes turns within its lane only, so that a burst of videos never holds up the images. */
export type Lane = 'image' | 'video';

/** How long recent work of each lane took. Shows which work takes far longer than that of other callers. */
export interface WorkTimes {
  /** Notes work that succeeded. */
  note(lane: Lane, caller: string, tookMs: number): void;
  /** How long a job of `caller` may keep others waiting, in milliseconds: at least 4,000. */
  allowanceMs(lane: Lane, caller: string): number;
}

/**
 * Any work may take this long: the largest clips of validators (91 MB, 9.1 CPU-seconds) need it on two free cores.
 * Validators wait 11 s, so a request that waits behind it still has more than half of its time.
 */
const MIN_ALLOWANCE_MS = 4_000;
/** Honest clips differ in size, up to 50 million pixels, so a clip may take a few times as long as the median. */
const ALLOWED_RATIO = 4;
const REMEMBERED_JOBS = 64;

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
