/**
 * The release of the subnet's software that validators run, as the `weights_version` on chain tells it. The watch is
 * owned by chain.ts.
 */

import { asMinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SubtensorReader } from './reader.ts';
import { createSingleFlight } from './single-flight.ts';

export interface ValidatorRelease {
  /** The `weights_version` on chain. Validators below it cannot set weights; 0 admits all. */
  readonly value: number;
  /** The release that the number stands for, such as `3.3.1`; null if it stands for none. */
  readonly release: string | null;
  /**
   * Whether that release sends pictures and clips to axons; null if the number does not tell. Validators may run a
   * later one.
   */
  readonly asksAxons: boolean | null;
}

/** From 4.0.0 on the public repository holds no client for the routes of a detector or a segmenter. */
const FIRST_WITHOUT_AXONS = 400_000;

/**
 * Reads a `weights_version`, which is 100000·major + 1000·minor + 10·patch: 303010 is 3.3.1, 409090 is 4.9.9. Minor and
 * patch are below 100. The rule is that of the subnet's public repository, last read at release 4.9.9 (2026-08-21).
 *
 * @param value a whole number from 0 on; 0 is the chain's default, which nobody has set
 */
export function readWeightsVersion(value: number): ValidatorRelease {
  const isRelease = value > 0 && Number.isSafeInteger(value) && value % 10 === 0;
  const [major, minor, patch] = [value / 100_000, (value % 100_000) / 1_000, (value % 1_000) / 10];
  const release = isRelease ? [major, minor, patch].map(Math.floor).join('.') : null;
  if (value >= FIRST_WITHOUT_AXONS) return { value, release, asksAxons: false };
  return { value, release, asksAxons: release === null ? null : true };
}

/**
 * What an operator must know before paying for a registration on a public network. The source is the subnet's public
 * repository at 4.9.9 (2026-08-21); no live network was asked. The README says the same.
 */
export const LIVE_NETWORK_NOTICE =
  'This miner speaks the axon protocol of release line 3.x. Since release 4.0.0 (2025-08-11) the validators of the ' +
  "subnet's public software send no pictures or clips to miners, so a detector or segmenter served here earns nothing " +
  'under them (read at release 4.9.9 of 2026-08-21).';

/** The meaning of a `weights_version` for a miner, in a sentence. */
export function describeValidators({ value, release, asksAxons }: ValidatorRelease): string {
  if (value === 0)
    return 'the subnet sets no weights_version, so the chain does not tell which release validators run';
  const subject = `the subnet's weights_version is ${value}`;
  if (asksAxons === null) return `${subject}, which stands for no release`;
  const named = `${subject}: validators run ${release ?? '4.0.0'} or later`;
  return asksAxons
    ? `${named}; releases before 4.0.0 send pictures and clips to axons`
    : `${named}; since 4.0.0 (2025-08-11) they send no pictures or clips to axons, as far as releases were read (4.9.9 of 2026-08-21)`;
}

/** Follows the `weights_version` of the subnet. */
export interface WeightsVersionWatch {
  /** The last value read; undefined before that, and if the runtime lacks it. */
  readonly current: ValidatorRelease | undefined;
  /** Reads the chain again. The last answer stays if that fails or the chain is away. Never rejects. */
  refresh(): Promise<void>;
}

interface WeightsVersionOptions {
  /** Undefined while the chain is away. */
  readonly reader: () => SubtensorReader | undefined;
  readonly logger: Logger;
}

/** Follows the value. Each change is logged once, as a warning if validators of the new release do not ask axons. */
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
      // The connection logs its own loss.
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
