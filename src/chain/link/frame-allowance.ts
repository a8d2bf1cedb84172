/** Bounds what an endpoint can make this process parse. */
export interface FrameAllowance {
  /** Counts a frame; false once there are more than any node has to send. */
  take(sizeBytes: number): boolean;
}

/**
 * In 10 seconds a node of finney sends a block, two or three notifications and, when a session begins, some 30 answers with
 * 2 MB in all; a development chain may make ten blocks a second. This is ten times as much.
 */
const WINDOW_MS = 10_000;
const FRAMES = 3_000;
const BYTES = 24 * 1024 * 1024;

export function createFrameAllowance(now: () => number = () => performance.now()): FrameAllowance {
  let windowEndMs = Number.NEGATIVE_INFINITY;
  let frames = 0;
  let bytes = 0;
  return {
    take(sizeBytes) {
      if (now() >= windowEndMs) {
        windowEndMs = now() + WINDOW_MS;
        frames = 0;
        bytes = 0;
      }
      frames += 1;
      bytes += sizeBytes;
      return frames <= FRAMES && bytes <= BYTES;
    },
  };
}
