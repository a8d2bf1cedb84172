// How much the miner does at once on a host. miner-config.ts settles it for the miner; inspect measures with the same.

export interface Concurrency {
  /** Pictures in work at once, from decoding to the answer. */
  readonly images: number;
  /** Clips decoded at once. */
  readonly videos: number;
  /** Processes that decode pictures. */
  readonly pictureProcesses: number;
  /** Threads of one clip's decoder. */
  readonly clipThreads: number;
}

/**
 * Four processes decode about forty pictures a second of 2048 × 2048 pixels, more than any burst has; each takes about
 * 50 MB while it waits.
 */
const MAX_PICTURE_PROCESSES = 4;

/**
 * More threads cost no more CPU time: a clip of 91 MB took 9.1 CPU-seconds with one and with two, and half the wall time
 * with two. So a clip that is alone may use the cores that a burst would share.
 */
const MAX_CLIP_THREADS = 4;

/**
 * @param cores that this process may use, hyper-threads included
 * @param videos VIDEO_CONCURRENCY; half the cores, and at least 2, when undefined
 */
export function concurrencyOn(cores: number, videos?: number): Concurrency {
  return {
    images: cores,
    videos: videos ?? Math.max(2, Math.floor(cores / 2)),
    pictureProcesses: Math.min(cores, MAX_PICTURE_PROCESSES),
    clipThreads: Math.min(cores, MAX_CLIP_THREADS),
  };
}
