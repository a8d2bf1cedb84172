import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { asMinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Signer, Signers, SubtensorReader } from './subtensor-reader.ts';

/** Who may sign requests, as the chain last said. */
export interface SignerTable {
  get(hotkey: string): Signer | undefined;
  /** Whether the table was ever read. */
  readonly known: boolean;
  readonly size: number;
  /** Milliseconds since the table was read; undefined before. */
  readonly ageMs: number | undefined;
  /** Reads the table anew; on failure, or while the chain is away, the last good one stays. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Reads the table because of a caller it doesn't know. All callers share one reading, and a table younger
   * than `minIntervalMs` is not read again. Resolves when that is done or the time is over; never rejects.
   */
  refreshFor(timeoutMs: number): Promise<void>;
}

interface SignerTableOptions {
  /** What to read through; undefined while the chain is away. */
  readonly reader: () => SubtensorReader | undefined;
  /** Bounds what strangers can make the miner ask of the chain. */
  readonly minIntervalMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

export function createSignerTable(options: SignerTableOptions): SignerTable {
  const { reader, minIntervalMs, logger, clock } = options;
  let signers: Signers = new Map();
  let readAtMs: number | undefined;
  let triedAtMs = Number.NEGATIVE_INFINITY;

  const flight = createSingleFlight(
    async () => {
      const source = reader();
      if (source === undefined) return;
      const startedAtMs = clock.monotonic();
      triedAtMs = startedAtMs;
      signers = await source.readSigners();
      // Its age counts from the question: that is how old the answer may be.
      readAtMs = startedAtMs;
      logger.debug({ signers: signers.size }, 'signer table read');
    },
    (error) => {
      // The loss of the connection is told by the connection.
      if (reader() === undefined) return;
      const { code, message } = asMinerError(error, 'CHAIN_CALL_FAILED');
      logger.warn(
        { code, reason: message, signers: signers.size },
        'signer table not read, keeping the last',
      );
    },
  );

  return {
    get: (hotkey) => signers.get(hotkey),
    get known() {
      return readAtMs !== undefined;
    },
    get size() {
      return signers.size;
    },
    get ageMs() {
      return readAtMs === undefined ? undefined : clock.monotonic() - readAtMs;
    },
    refresh: () => flight.run(),

    async refreshFor(timeoutMs) {
      const due = clock.monotonic() - triedAtMs >= minIntervalMs;
      const reading = flight.current ?? (due && reader() !== undefined ? flight.run() : undefined);
      if (reading === undefined) return;
      const over = new AbortController();
      await Promise.race([
        reading,
        sleep(timeoutMs, undefined, { signal: over.signal }).catch(() => undefined),
      ]);
      over.abort();
    },
  };
}
