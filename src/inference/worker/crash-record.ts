import type { DeadlineClock } from '../../admission/deadline.ts';

/** Remembers for ten minutes which inputs the process died on. The runner owns it. */
export interface CrashRecord {
  /** Records that the process died on this input. */
  add(contentHash: string): void;
  /** Records that the process survived this input, so an earlier death had another cause. */
  clear(contentHash: string): void;
  /** Whether this input is refused: the process died on it twice. */
  isBarred(contentHash: string): boolean;
}

const BARRED_FOR_MS = 10 * 60_000;
const CRASHES_UNTIL_BARRED = 2;
/** The oldest are forgotten. If more inputs than that seem to kill a model, the inputs are not the cause. */
const ENTRIES_LIMIT = 1024;

export function createCrashRecord({ clock }: { readonly clock: DeadlineClock }): CrashRecord {
  const entries = new Map<string, { readonly crashes: number; readonly untilMs: number }>();

  const crashesOf = (contentHash: string): number => {
    const entry = entries.get(contentHash);
    if (entry === undefined) return 0;
    if (entry.untilMs > clock.monotonic()) return entry.crashes;
    entries.delete(contentHash);
    return 0;
  };

  return {
    add(contentHash) {
      const crashes = crashesOf(contentHash) + 1;
      entries.delete(contentHash);
      entries.set(contentHash, { crashes, untilMs: clock.monotonic() + BARRED_FOR_MS });
      const [oldest] = entries.keys();
      if (entries.size > ENTRIES_LIMIT && oldest !== undefined) entries.delete(oldest);
    },
    clear: (contentHash) => {
      entries.delete(contentHash);
    },
    isBarred: (contentHash) => crashesOf(contentHash) >= CRASHES_UNTIL_BARRED,
  };
}
