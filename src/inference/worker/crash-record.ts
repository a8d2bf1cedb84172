import type { DeadlineClock } from '../../admission/deadline.ts';

/** Remembers which inputs the model's process died on, for ten minutes each. */
export interface CrashRecord {
  /** Notes that the process died on this input. */
  add(contentHash: string): void;
  /** Notes that the process lived through this input: what it died of before was something else. */
  clear(contentHash: string): void;
  /** Whether this input is refused: the process died on it twice. */
  isBarred(contentHash: string): boolean;
}

const BARRED_FOR_MS = 10 * 60_000;
const CRASHES_UNTIL_BARRED = 2;
/** More different inputs than that do not kill a model by themselves; the oldest are forgotten. */
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
