export interface Watchdog {
  /** Life was seen: the limit starts anew. */
  touch(): void;
  close(): void;
}

interface WatchdogOptions {
  readonly limitMs: number;
  /** Called once, when nothing was seen for `limitMs`. */
  readonly onExpire: () => void;
}

/** Calls `onExpire` when `touch` was not called for `limitMs`; armed from the start. */
export function createWatchdog({ limitMs, onExpire }: WatchdogOptions): Watchdog {
  const timer = setTimeout(onExpire, limitMs);
  let closed = false;
  return {
    touch() {
      // Refreshing a timer that was cleared would arm it again.
      if (!closed) timer.refresh();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
