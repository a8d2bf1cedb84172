import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { createStateFile } from '../state/state-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type HexString, hexSchema } from './link/hex.ts';
import type { Signers } from './neurons.ts';

/** The last good signer table of an earlier process. */
interface SavedSigners {
  readonly signers: Signers;
  readonly ageMs: number;
  /** The block at which it was read. */
  readonly block: number;
}

/** Keeps the last good signer table on disk, so that a miner that is restarted while the chain is away serves. */
export interface SignersFile {
  /** The table, if it is one of this subnet on this chain. */
  load(genesisHash: string | undefined): SavedSigners | undefined;
  save(table: { readonly genesisHash: HexString; readonly block: number; readonly signers: Signers }): void;
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
