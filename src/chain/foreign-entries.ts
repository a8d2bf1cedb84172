import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { createStateFile } from '../state/state-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AxonEntry } from './reader.ts';

/**
 * Tells the axon entries of this miner from those that another host announces with the same hotkey, over restarts.
 * Owned by the announcer. Without it two hosts would overwrite each other's address for ever.
 */
export interface ForeignEntries {
  /** Notes an entry as this miner announced it, or would. */
  noteOwn(entry: AxonEntry): void;
  /**
   * Notes an entry that differs from what this miner wants; one that it announced itself before is not foreign.
   * @returns whether it is a foreign one that was not met before
   */
  noteOther(entry: AxonEntry): boolean;
  isForeign(entry: AxonEntry): boolean;
  /** Notes that this miner announces now. */
  noteAnnouncement(): void;
  /** Unix time in milliseconds before which this miner must not announce again; 0 if it may at once. */
  readonly pausedUntilMs: number;
}

interface ForeignEntriesOptions {
  /** Where the memory is kept; undefined: for the life of the process only. */
  readonly folder: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

const DAY_MS = 24 * 3_600_000;
/** A host that moved or an operator who tries things changes the entry once or twice; a second miner does it for ever. */
const CHANGES_UNTIL_PAUSED = 3;
/** Often enough to come back by itself once the other host is gone, and too seldom to disturb it if it is the right one. */
const PAUSE_MS = 6 * 3_600_000;

const memorySchema = z.object({
  /** What this miner announced last. */
  own: z.object({ ip: z.string(), port: z.number(), version: z.number() }).nullable(),
  /** Unix time, milliseconds; 0: never. */
  announcedAtMs: z.number(),
  /** Foreign changes of the last day, by the block in which they were made. */
  changes: z.array(z.object({ block: z.number(), seenAtMs: z.number() })),
});

export function createForeignEntries({ folder, logger, clock }: ForeignEntriesOptions): ForeignEntries {
  const file =
    folder === undefined
      ? undefined
      : createStateFile({ path: join(folder, 'announcements.json'), schema: memorySchema, logger });
  let memory: z.output<typeof memorySchema> = file?.read() ?? { own: null, announcedAtMs: 0, changes: [] };

  function remember(next: typeof memory): void {
    if (JSON.stringify(next) === JSON.stringify(memory)) return;
    memory = next;
    file?.write(next);
  }

  /** A clock that was set back must not keep a change for longer than a day. */
  const isRecent = (seenAtMs: number): boolean => Math.abs(clock.now() - seenAtMs) < DAY_MS;

  function isForeign({ ip, port, version }: AxonEntry): boolean {
    const { own } = memory;
    return own === null || own.ip !== String(ip) || own.port !== port || own.version !== version;
  }

  return {
    isForeign,
    noteOwn({ ip, port, version }) {
      remember({ ...memory, own: { ip: String(ip), port, version } });
    },
    noteOther(entry) {
      if (!isForeign(entry) || memory.changes.some(({ block }) => block === entry.block)) return false;
      const recent = memory.changes.filter(({ seenAtMs }) => isRecent(seenAtMs));
      remember({ ...memory, changes: [...recent, { block: entry.block, seenAtMs: clock.now() }] });
      return true;
    },
    noteAnnouncement() {
      remember({ ...memory, announcedAtMs: clock.now() });
    },
    get pausedUntilMs() {
      const changes = memory.changes.filter(({ seenAtMs }) => isRecent(seenAtMs)).length;
      if (changes < CHANGES_UNTIL_PAUSED || clock.now() < memory.announcedAtMs) return 0;
      return memory.announcedAtMs + PAUSE_MS;
    },
  };
}
