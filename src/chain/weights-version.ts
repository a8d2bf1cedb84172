import { asMinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SubtensorReader } from './reader.ts';
import { createSingleFlight } from './single-flight.ts';
import { describeValidators, readWeightsVersion, type ValidatorRelease } from './validator-release.ts';

/** Follows the `weights_version` of the subnet. */
export interface WeightsVersionWatch {
  /** What the chain last said; undefined until it was read, and where the runtime lacks it. */
  readonly current: ValidatorRelease | undefined;
  /** Asks the chain again; on failure, or while it is away, the last answer stays. Never rejects. */
  refresh(): Promise<void>;
}

interface WeightsVersionOptions {
  /** What to read through; undefined while the chain is away. */
  readonly reader: () => SubtensorReader | undefined;
  readonly logger: Logger;
}

/** A change is logged once, as a warning if validators of the new release do not ask axons. */
export function createWeightsVersionWatch({ reader, logger }: WeightsVersionOptions): WeightsVersionWatch {
  let current: ValidatorRelease | undefined;

  const flight = createSingleFlight(
    async () => {
      const value = await reader()?.readWeightsVersion();
      if (value === undefined || value === current?.value) return;
      current = readWeightsVersion(value);
      logger[current.asksAxons === false ? 'warn' : 'info'](
        { weightsVersion: value },
        describeValidators(current),
      );
    },
    (error) => {
      // The loss of the connection is told by the connection.
      if (reader() === undefined) return;
      const { code, message } = asMinerError(error, 'CHAIN_CALL_FAILED');
      logger.warn({ code, reason: message }, 'weights version not read, keeping the last');
    },
  );

  return {
    get current() {
      return current;
    },
    refresh: () => flight.run(),
  };
}
