import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { createStateFile } from '../../state/state-file.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type HexString, hexSchema } from './node-answers.ts';

/** Metadata by genesis hash and spec version: with it, a connection costs kilobytes instead of 0.7 MB. */
export interface MetadataCache {
  get(key: string): HexString | undefined;
  set(key: string, metadata: HexString): void;
  /** Metadata that came from an endpoint that is not to be believed are asked for again. */
  clear(): void;
}

/** What is decoded with damaged metadata could be anything, so the file carries a checksum. */
const cachedSchema = z
  .object({ key: z.string(), sha256: z.string(), metadata: hexSchema })
  .refine(({ metadata, sha256 }) => sha256 === checksum(metadata), { error: 'the checksum is wrong' });

/**
 * Holds the metadata of one runtime, the newest, in memory and in a file.
 * @param folder where the file lies; undefined: in memory only
 */
export function createMetadataCache({
  folder,
  logger,
}: {
  readonly folder: string | undefined;
  readonly logger: Logger;
}): MetadataCache {
  const file =
    folder === undefined
      ? undefined
      : createStateFile({ path: join(folder, 'metadata.json'), schema: cachedSchema, logger });
  let newest: { readonly key: string; readonly metadata: HexString } | undefined;
  return {
    get(key) {
      newest ??= file?.read();
      return newest?.key === key ? newest.metadata : undefined;
    },
    set(key, metadata) {
      newest = { key, metadata };
      file?.write({ key, sha256: checksum(metadata), metadata });
    },
    clear() {
      newest = undefined;
      file?.remove();
    },
  };
}

function checksum(metadata: string): string {
  return createHash('sha256').update(metadata).digest('hex');
}
