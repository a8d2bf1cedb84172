import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { createStateFile } from '../../state/state-file.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type HexString, hexSchema } from './node-answers.ts';

/**
 * Metadata by genesis hash and spec version. With a cached entry a connection costs kilobytes instead of 0.7 MB. Owned by
 * chain.ts, used by the session.
 */
export interface MetadataCache {
  get(key: string): HexString | undefined;
  set(key: string, metadata: HexString): void;
  /** Drops the metadata, because they came from an untrusted endpoint. */
  clear(): void;
}

/** Damaged metadata would decode to wrong values, so the file has a checksum. */
const cachedSchema = z
  .object({ key: z.string(), sha256: z.string(), metadata: hexSchema })
  .refine(({ metadata, sha256 }) => sha256 === checksum(metadata), { error: 'the checksum is wrong' });

/**
 * Holds the newest metadata, of one runtime, in memory and in a file.
 * @param folder the folder of the file; undefined for memory only
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
