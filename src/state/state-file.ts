import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import type { Logger } from '../telemetry/logger.ts';
import { isAbsent } from './is-absent.ts';

/** One value that survives a restart, as a JSON file. */
export interface StateFile<Value> {
  readonly path: string;
  /** The value; undefined if there is none or it is unusable. Never throws. */
  read(): Value | undefined;
  /** Replaces the value in one step: after a crash the file is the old one or the new one. Never throws. */
  write(value: Value): void;
  /** Removes the value. Never throws. */
  remove(): void;
}

interface StateFileOptions<Value> {
  readonly path: string;
  readonly schema: z.ZodType<Value>;
  readonly logger: Logger;
}

/** The miner can run without any of these values. If a file cannot be read or written, that is logged. */
export function createStateFile<Value>({ path, schema, logger }: StateFileOptions<Value>): StateFile<Value> {
  // Each fault is logged once: files are read and written often, and a full disk stays full for a while.
  let isReadable = true;
  let isWritable = true;
  return {
    path,

    read() {
      try {
        const value = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
        isReadable = true;
        return value;
      } catch (error) {
        if (isAbsent(error)) return undefined;
        if (isReadable) logger.warn({ err: error, path }, 'state file unusable, going on without it');
        isReadable = false;
        return undefined;
      }
    },

    write(value) {
      const fresh = `${path}.new`;
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(fresh, JSON.stringify(value), { mode: 0o600 });
        renameSync(fresh, path);
        isWritable = true;
      } catch (error) {
        if (isWritable) logger.error({ err: error, path }, 'state file not written; a restart will miss it');
        isWritable = false;
      }
    },

    remove() {
      try {
        rmSync(path, { force: true });
      } catch (error) {
        logger.error({ err: error, path }, 'state file not removed; a restart will find it');
      }
    },
  };
}
