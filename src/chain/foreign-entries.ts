import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { createStateFile } from '../state/state-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AxonEntry } from './reader.ts';

/**
 * Tells this miner's axon entries from those that another host announces with the same hotkey. Owned by the announcer;
 * kept across restarts. Without it, two hosts would overwrite each other's address forever.
 */
export interface ForeignEntries {
  /** Records an entry that this miner announced or would announce. */
  noteOwn(entry: AxonEntry): void;
  /**
   * Records an entry that differs from the wanted one. An entry that this miner announced earlier is not foreign.
   * @returns whether the entry is foreign and new
   */
  noteOther(entry: AxonEntry): boolean;
  isForeign(entry: AxonEntry): boolean;
  /** Records that this miner announces now. */
  noteAnnouncement(): void;
  /** Unix time in milliseconds before which this miner must not announce again; 0 if it may announce now. */
  readonly pausedUntilMs: number;
}

interface ForeignEntriesOptions {
  /** The folder of the record. If undefined, the record ends with the process. */
  readonly folder: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

const DAY_MS = 24 * 3_600_000;
/** A host that moved changes the entry once or twice. A second miner changes it again and again. */
const CHANGES_UNTIL_PAUSED = 3;
/** Short enough to recover on its own when the other host is gone; long enough not to disturb the right host. */
const PAUSE_MS = 6 * 3_600_000;

const memorySchema = z.object({
  /** The last entry of this miner. */
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

  /** The difference is absolute: a clock that was set back must not keep a change for longer than a day. */
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
