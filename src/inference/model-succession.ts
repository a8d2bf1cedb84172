import { setTimeout as sleep } from 'node:timers/promises';
import { VALIDATOR_TIMEOUT_MS } from '../admission/deadline.ts';
import type { ModelGeneration } from './model-generation.ts';

/** The model that answers, and the one before it for as long as requests still hold that. */
export interface ModelSuccession {
  /** What requests are given to; undefined before there is one. */
  readonly current: ModelGeneration | undefined;
  /** Gives all requests that come from now on to another model. */
  replaceBy(next: ModelGeneration): void;
  /** Resolves when no more than the current model is left. */
  settled(): Promise<void>;
  /** Sums over all models so far. */
  totals(): { readonly runs: number; readonly restarts: number; readonly queued: number };
  /** Ends all of it at once. */
  close(): Promise<void>;
}

/** No answer that a model owes from before it was replaced is waited for any longer. */
const RETIRE_LIMIT_MS = VALIDATOR_TIMEOUT_MS;

export function createModelSuccession(): ModelSuccession {
  const ended = { runs: 0, restarts: 0 };
  let current: ModelGeneration | undefined;
  let retiring: ModelGeneration | undefined;
  let retirement: Promise<void> = Promise.resolve();
  let hurry: () => void = () => undefined;

  const retire = async (former: ModelGeneration): Promise<void> => {
    const over = new AbortController();
    hurry = () => over.abort();
    void former.released().then(hurry);
    await sleep(RETIRE_LIMIT_MS, undefined, { signal: over.signal }).catch(() => undefined);
    await former.close();
    const { runs, restarts } = former.status();
    ended.runs += runs;
    ended.restarts += restarts;
    retiring = undefined;
  };

  return {
    get current() {
      return current;
    },

    replaceBy(next) {
      retiring = current;
      current = next;
      if (retiring !== undefined) retirement = retire(retiring);
    },

    settled: () => retirement,

    totals() {
      const living = [current, retiring].flatMap((model) => model?.status() ?? []);
      const sum = (key: 'runs' | 'restarts' | 'queued', start: number): number =>
        living.reduce((total, status) => total + status[key], start);
      return {
        runs: sum('runs', ended.runs),
        restarts: sum('restarts', ended.restarts),
        queued: sum('queued', 0),
      };
    },

    async close() {
      hurry();
      await Promise.all([current?.close(), retirement]);
    },
  };
}
