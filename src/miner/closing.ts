// How a miner ends: its parts are closed in the reverse order of their opening.
// assemble.ts and lifecycle.ts each keep such a list of what they opened.
import type { Logger } from '../telemetry/logger.ts';

/** Notes how a part is closed, and gives the part back. */
export type Open = <T>(part: T, close: (part: T) => Promise<void>) => T;

/** Longer than any request lives, shorter than `kill_timeout` of the process manager. */
const DRAIN_TIMEOUT_MS = 15_000;
/** How long another process waits for a hotkey whose miner is ending: the drain, and some time for the other parts. */
export const LOCK_WAIT_MS = DRAIN_TIMEOUT_MS + 5_000;

export function openParts(logger: Logger): { readonly open: Open; close(): Promise<void> } {
  const closers: Array<() => Promise<void>> = [];
  return {
    open(part, close) {
      closers.push(() => close(part));
      return part;
    },
    async close() {
      for (const close of closers.splice(0).reverse()) {
        // One part that cannot be closed must not keep the others open, nor hide why the miner ends.
        await close().catch((error: unknown) =>
          logger.error({ err: error }, 'a part of the miner could not be closed'),
        );
      }
    },
  };
}

/** Waits for the drain, but not for a caller that never ends. */
export async function closeInTime(closing: Promise<void>, logger: Logger): Promise<void> {
  const late = Symbol('late');
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<typeof late>((resolve) => {
    timer = setTimeout(() => resolve(late), DRAIN_TIMEOUT_MS);
  });
  if ((await Promise.race([closing, limit])) === late)
    logger.warn('some requests were still open at shutdown');
  clearTimeout(timer);
}
