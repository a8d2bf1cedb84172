/** Work that runs once at a time. Used by each part of chain/ that reads the chain or announces to it. */

export interface SingleFlight {
  /** Starts a run, or asks for one more after the run in progress. Resolves after the last run; never rejects. */
  run(): Promise<void>;
  /** Resolves when the run in progress is done; undefined if there is none. */
  readonly current: Promise<void> | undefined;
}

/**
 * Runs `work` once at a time. Any number of calls during a run lead to one more run, so the last run always starts
 * after the last call. An error of `work` goes to `onError`.
 */
export function createSingleFlight(
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): SingleFlight {
  let current: Promise<void> | undefined;
  let again = false;

  async function drain(): Promise<void> {
    do {
      again = false;
      try {
        await work();
      } catch (error) {
        onError(error);
      }
    } while (again);
    current = undefined;
  }

  return {
    run() {
      if (current === undefined) current = Promise.resolve().then(drain);
      else again = true;
      return current;
    },
    get current() {
      return current;
    },
  };
}
