import { MinerError } from '../../errors.ts';
import { VIDEO_PIXELS_LIMIT } from '../limits.ts';

interface DecodingWork {
  /** Frames from the first to the last wanted one. The decoder has to decode them all. */
  readonly frames: number;
  readonly framePixels: number;
  /** Coded bytes of these frames. */
  readonly bytes: number;
  /** Threads of the decoder. */
  readonly threads: number;
  /** CPU milliseconds that the clip has already cost. */
  readonly spentCpuMs: number;
  /** Milliseconds until the deadline of the pixels. */
  readonly remainingMs: () => number;
}

/** Refuses a clip as soon as it is certain that it will not be decoded in time, so that it costs no more CPU time. */
export interface DecodingForecast {
  /**
   * Checks the header, before anything is decoded.
   * @throws MinerError MEDIA_TOO_LARGE beyond `VIDEO_PIXELS_LIMIT`; MEDIA_TIMEOUT
   */
  assertFeasible(): void;
  /** Gets the decoder's progress: two lines a frame. */
  onProgress(chunk: Buffer): void;
  /**
   * Checks the number of frames against the CPU time that they took.
   * @throws MinerError MEDIA_TIMEOUT
   */
  assertHopeful(cpuMs: number): void;
}

/**
 * The highest speed of one thread on any host. On a core of a 2024 server, 1 ms of CPU time decodes 1.0 million pixels
 * of H.264 (0.6 of VP9 and AV1, 0.4 of HEVC) in one colour at 8K, or 7,700 bytes of lossless noise. These limits allow
 * for cores 2.5 times as fast.
 */
const FASTEST_PIXELS_PER_MS = 2_500_000;
const FASTEST_BYTES_PER_MS = 20_000;

/**
 * The CPU time of a clip after which its frames so far show the speed. Starting ffmpeg takes 0.1 s, and the first frame
 * costs the most. So at the start of the interval the remaining frames may be cheaper by this factor. At the end they
 * count as equally expensive, so that no hopeless clip takes 2 s.
 */
const FORECAST_FROM_CPU_MS = 1_000;
const FIRST_TOLERANCE = 1.5;
const BELIEVED_FROM_CPU_MS = 1_700;
const LINE_FEED = 0x0a;
const LINES_PER_FRAME = 2;

export function createDecodingForecast(work: DecodingWork): DecodingForecast {
  const { frames, framePixels, bytes, threads, spentCpuMs, remainingMs } = work;
  let lines = 0;

  function assertInTime(cpuMs: number): void {
    if (cpuMs <= threads * remainingMs()) return;
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    throw new MinerError(
      'MEDIA_TIMEOUT',
      `the video needs ${seconds(cpuMs)} s more of CPU time, and ${seconds(remainingMs())} s are left on ${threads} threads`,
    );
  }

  return {
    assertFeasible() {
      const pixels = frames * framePixels;
      if (pixels > VIDEO_PIXELS_LIMIT) {
        throw new MinerError(
          'MEDIA_TOO_LARGE',
          `the video has ${pixels} pixels in the ${frames} frames to decode; the limit is ${VIDEO_PIXELS_LIMIT}`,
        );
      }
      assertInTime(Math.max(pixels / FASTEST_PIXELS_PER_MS, bytes / FASTEST_BYTES_PER_MS));
    },
    onProgress(chunk) {
      for (const byte of chunk) if (byte === LINE_FEED) lines += 1;
    },
    assertHopeful(cpuMs) {
      const clipCpuMs = spentCpuMs + cpuMs;
      if (clipCpuMs < FORECAST_FROM_CPU_MS) return;
      const doubt = (BELIEVED_FROM_CPU_MS - clipCpuMs) / (BELIEVED_FROM_CPU_MS - FORECAST_FROM_CPU_MS);
      const tolerance = 1 + (FIRST_TOLERANCE - 1) * Math.max(0, doubt);
      // Each thread has begun a frame, and one more may be done without a line about it.
      const begun = lines / LINES_PER_FRAME + threads + 1;
      if (begun < frames) assertInTime((cpuMs * (frames - begun)) / begun / tolerance);
    },
  };
}
