/**
 * The neurons that may sign requests, with their stake: in memory and, for a restart while the chain is away, in
 * signers.json. Owned by chain.ts.
 */

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

interface SignerTable {
  get(hotkey: string): Neuron | undefined;
  /** Whether the table was read and is young enough. If not, `get` knows nobody. */
  readonly known: boolean;
  readonly size: number;
  /** Milliseconds since this process or an earlier one read the table; undefined if neither did. */
  readonly ageMs: number | undefined;
  /** Reads the table again. The last good one stays if that fails or the chain is away. Never rejects. */
  refresh(): Promise<void>;
  /**
   * Reads the table for an unknown caller. All callers share one reading. A table younger than `minIntervalMs` is not
   * read again. Resolves after the reading or after `timeoutMs`; never rejects.
   */
  refreshFor(timeoutMs: number): Promise<void>;
}

interface SignerTableOptions {
  /** Undefined while the chain is away. */
  readonly reader: () => SubtensorReader | undefined;
  /** Bounds how often unknown callers can make the miner read the chain. */
  readonly minIntervalMs: number;
  /** The highest age at which the table still counts. */
  readonly maxAgeMs: number;
  /** The table of an earlier process. It counts until the first reading. */
  readonly saved?: { readonly signers: Neurons; readonly ageMs: number } | undefined;
  /** Called with each table that was read. */
  readonly onRead?: (signers: Neurons) => void;
  /** Called for an answer that no subtensor gives. */
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
      // The age counts from the question: the answer may be that old.
      readAtMs = startedAtMs;
      logger.debug({ signers: signers.size }, 'signer table read');
      onRead?.(signers);
    },
    (error) => {
      // The connection logs its own loss.
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

/** Keeps the last good signer table on disk, so that a miner that restarts while the chain is away can serve. */
interface SignersFile {
  /** The saved table, if it is of this subnet on this chain. */
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
      // A clock that was set back must not give a negative age.
      return { signers, block: saved.block, ageMs: Math.max(0, clock.now() - saved.readAtMs) };
    },
    save({ genesisHash, block, signers }) {
      const rows = [...signers].map(([hotkey, signer]) => ({ hotkey, ...signer }));
      file.write({ genesisHash, netuid, block, readAtMs: clock.now(), signers: rows });
    },
  };
}
