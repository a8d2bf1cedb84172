import { join } from 'node:path';
import { z } from 'zod';
import { createStateFile, type StateFile } from '../../state/state-file.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { hexSchema } from './hex.ts';

const pinSchema = z.object({ genesisHash: hexSchema });

/** Which chain this miner has used so far, where its network does not say which it must be. */
export type GenesisPin = StateFile<z.output<typeof pinSchema>>;

/** The pin of a state folder. It is read at each connection, so that removing the file is all that a reset takes. */
export function openGenesisPin({
  folder,
  logger,
}: {
  readonly folder: string;
  readonly logger: Logger;
}): GenesisPin {
  return createStateFile({ path: join(folder, 'genesis.json'), schema: pinSchema, logger });
}
