import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { asMinerError } from '../errors.ts';
import { createStateFile } from '../state/state-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type HexString, hexSchema } from './link/node-answers.ts';
import type { Neuron, Neurons, SubtensorReader } from './reader.ts';
import { createSingleFlight } from './single-flight.ts';

/** Who may sign requests, as the chain last said. */
export interface SignerTable {
  get(hotkey: string): Neuron | undefined;
  /** Whether there is a table, and it is young enough to judge by. While there is none, nobody is known. */
  readonly known: boolean;
  readonly size: number;
  /** Milliseconds since the table was read, by this process or an earlier one; undefined before. */
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
  /** A table that could not be refreshed for so long is not believed any more. */
  readonly maxAgeMs: number;
  /** The table of an earlier process, which counts until there is a newer one. */
  readonly saved?: { readonly signers: Neurons; readonly ageMs: number } | undefined;
  /** Called with each table read. */
  readonly onRead?: (signers: Neurons) => void;
  /** Called for an answer that is none of a subtensor. */
  readonly onUnreadable: () => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

export function createSignerTable(options: SignerTableOptions): SignerTable {
  const { reader, minIntervalMs, maxAgeMs, saved, onRead, onUnreadable, logger, clock } = options;
  let signers: Neurons = saved?.signers ?? new Map();
  let readAtMs = saved === undefined ? undefined : clock.monotonic() - saved.ageMs;
  let triedAtMs = Number.NEGATIVE_INFINITY;

  const flight = createSingleFlight(
    async () => {
      const source = reader();
      if (source === undefined) return;
      const startedAtMs = clock.monotonic();
      triedAtMs = startedAtMs;
      signers = await source.readNeurons();
      // Its age counts from the question: that is how old the answer may be.
      readAtMs = startedAtMs;
      logger.debug({ signers: signers.size }, 'signer table read');
      onRead?.(signers);
    },
    (error) => {
      // The loss of the connection is told by the connection.
      if (reader() === undefined) return;
      const { code, message } = asMinerError(error, 'CHAIN_CALL_FAILED');
      if (code === 'CHAIN_ENDPOINT_UNTRUSTED') onUnreadable();
      logger.warn(
        { code, reason: message, signers: signers.size },
        'signer table not read, keeping the last',
      );
    },
  );

  const isKnown = (): boolean => readAtMs !== undefined && clock.monotonic() - readAtMs <= maxAgeMs;

  return {
    get: (hotkey) => (isKnown() ? signers.get(hotkey) : undefined),
    get known() {
      return isKnown();
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

/** The last good signer table of an earlier process. */
interface SavedSigners {
  readonly signers: Neurons;
  readonly ageMs: number;
  /** The block at which it was read. */
  readonly block: number;
}

/** Keeps the last good signer table on disk, so that a miner that is restarted while the chain is away serves. */
export interface SignersFile {
  /** The table, if it is one of this subnet on this chain. */
  load(genesisHash: string | undefined): SavedSigners | undefined;
  save(table: { readonly genesisHash: HexString; readonly block: number; readonly signers: Neurons }): void;
}

interface SignersFileOptions {
  readonly folder: string;
  readonly netuid: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

const savedSchema = z.object({
  genesisHash: hexSchema,
  netuid: z.number().int(),
  block: z.number().int(),
  /** Unix time. */
  readAtMs: z.number(),
  signers: z.array(
    z.object({
      hotkey: z.string(),
      uid: z.number().int(),
      stakeTao: z.number(),
      permit: z.boolean(),
    }),
  ),
});

export function createSignersFile({ folder, netuid, logger, clock }: SignersFileOptions): SignersFile {
  const file = createStateFile({ path: join(folder, 'signers.json'), schema: savedSchema, logger });
  return {
    load(genesisHash) {
      const saved = file.read();
      if (saved === undefined || saved.netuid !== netuid || saved.genesisHash !== genesisHash) {
        return undefined;
      }
      const signers = new Map(saved.signers.map(({ hotkey, ...signer }) => [hotkey, signer]));
      // A clock that was set back must not make the table younger than new.
      return { signers, block: saved.block, ageMs: Math.max(0, clock.now() - saved.readAtMs) };
    },
    save({ genesisHash, block, signers }) {
      const rows = [...signers].map(([hotkey, signer]) => ({ hotkey, ...signer }));
      file.write({ genesisHash, netuid, block, readAtMs: clock.now(), signers: rows });
    },
  };
}
