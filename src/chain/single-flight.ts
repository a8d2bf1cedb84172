export interface SingleFlight {
  /** Starts a run, or asks for one more after the run in progress; resolves when all is done. Never rejects. */
  run(): Promise<void>;
  /** Settled when the run in progress is done; undefined when there is none. */
  readonly current: Promise<void> | undefined;
}

/**
 * Runs `work` one at a time. Any number of calls during a run lead to one further run, so that the last run
 * always starts after the last call. What `work` throws goes to `onError`.
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
