import { constants } from 'node:fs';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Watches the folders and limits of this host that fill up, or are taken away, while a miner runs. */
export interface HostCheck {
  /** Sentences of the latest look; empty before the first. */
  readonly warnings: readonly string[];
  /** Looks now. Never rejects. */
  look(): Promise<void>;
  /** Looks every minute until the signal is aborted. */
  keepLooking(signal: AbortSignal): Promise<void>;
}

interface HostCheckOptions {
  readonly stateDir: string;
  /** Connections that the axon may hold at once; each takes a file descriptor. */
  readonly maxConnections: number;
  /** Where uploads go if memory has no room for them. */
  readonly temporaryFolder?: string;
}

/** The least free room of a disk. */
const LEAST_FREE_BYTES = 512 * 1024 * 1024;
const LEAST_FREE_FILES = 1_000;
/** Beside the connections: models, decoders, temporary files, the chain, libraries. */
const OTHER_DESCRIPTORS = 256;
const LOOK_EVERY_MS = 60_000;
const MIB = 1024 * 1024;

export function createHostCheck(options: HostCheckOptions): HostCheck {
  const { stateDir, maxConnections, temporaryFolder = tmpdir() } = options;
  let warnings: readonly string[] = [];

  async function look(): Promise<void> {
    const found = await Promise.all([
      unwritable(stateDir),
      fullDisk('STATE_DIR', stateDir),
      fullDisk('the folder for temporary files', temporaryFolder),
      fewDescriptors(maxConnections),
    ]);
    warnings = found.flat();
  }

  return {
    get warnings() {
      return warnings;
    },
    look,
    async keepLooking(signal) {
      while (!signal.aborted) {
        await look();
        await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    },
  };
}

/** Warns of the hotkey's folder, and of folders in it, if this user may not make files there. */
async function unwritable(stateDir: string): Promise<string[]> {
  const inside = await readdir(stateDir, { withFileTypes: true }).catch(() => []);
  const folders = [
    stateDir,
    ...inside.filter((one) => one.isDirectory()).map(({ name }) => join(stateDir, name)),
  ];
  const problems = await Promise.all(
    folders.map(async (folder) => {
      try {
        await access(folder, constants.W_OK | constants.X_OK);
        return [];
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        return [
          `${folder} cannot be written (${code}): a restart will forget what was served, and the chain's tables`,
        ];
      }
    }),
  );
  return problems.flat();
}

async function fullDisk(what: string, folder: string): Promise<string[]> {
  try {
    const { bavail, bsize, ffree, files } = await statfs(folder);
    if (bavail * bsize < LEAST_FREE_BYTES) {
      const free = Math.floor((bavail * bsize) / MIB);
      return [`${what} (${folder}) has ${free} MiB free; free at least ${LEAST_FREE_BYTES / MIB} MiB`];
    }
    // File systems without a limit of files say 0 of 0.
    if (files > 0 && ffree < LEAST_FREE_FILES)
      return [`${what} (${folder}) has room for ${ffree} more files only`];
    return [];
  } catch {
    // A missing folder is reported by the code that writes there.
    return [];
  }
}

async function fewDescriptors(maxConnections: number): Promise<string[]> {
  const limit = await readDescriptorLimit();
  const needed = maxConnections + OTHER_DESCRIPTORS;
  if (limit === undefined || limit >= needed) return [];
  return [
    `this process may open ${limit} files, and ${maxConnections} connections take up to ${needed}; ` +
      'raise it (ulimit -n 65536, or LimitNOFILE=65536 in systemd)',
  ];
}

/** The soft limit, which Node raises to the hard one at its start; undefined if there is no /proc, or no limit. */
async function readDescriptorLimit(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
