/** Bounds how much an endpoint can make this process parse. Owned by the socket. */
export interface FrameAllowance {
  /** Counts a frame. False if the endpoint has sent more than any node needs to. */
  take(sizeBytes: number): boolean;
}

/**
 * In 10 seconds a node of finney sends a block, two or three notifications and, at the start of a session, about 30
 * answers with 2 MB in all. A development chain may make ten blocks a second. The limits are ten times as high.
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
