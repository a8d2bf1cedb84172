import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';

/** The process that holds the lock, as it describes itself in the lock file. */
export interface LockHolder {
  readonly pid: number;
  /** The folder of its checkout. */
  readonly checkout: string;
  readonly axonPort: number;
  readonly adminPort: number;
}

/** The right to run one hotkey. It ends with the process, however the process ends. */
export interface HotkeyLock {
  release(): void;
}

interface LockOptions {
  /** The hotkey's folder in STATE_DIR. It is private to this user, so no other user can open the lock file. */
  readonly folder: string;
  /** ss58 address, for the message. */
  readonly hotkey: string;
}

interface TakeOptions extends LockOptions {
  readonly holder: LockHolder;
  /** How long to wait for the end of the present holder, in milliseconds. */
  readonly waitMs: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const HOLDER = z.object({
  pid: z.number(),
  checkout: z.string(),
  axonPort: z.number(),
  adminPort: z.number(),
});
const HOLDER_LIMIT_BYTES = 4096;
/** The exit code of flock if another process has the lock. Its own faults have other codes. */
const IS_HELD = 99;

/**
 * Takes the exclusive lock of a hotkey. Waits for its holder if there is one.
 * @throws MinerError HOTKEY_IN_USE if the holder does not end in time, STATE_DIR_UNUSABLE if the file cannot be locked;
 *   the signal's reason once it is aborted
 */
export async function takeHotkeyLock(options: TakeOptions): Promise<HotkeyLock> {
  const { folder, hotkey, holder, waitMs, logger, signal } = options;
  const file = openLockFile(folder);
  try {
    if (!(await flock(file, ['--nonblock'], signal))) {
      const present = readHolder(file);
      logger.warn(
        { hotkey, holder: present, waitMs },
        'another process runs this hotkey; waiting for its end',
      );
      if (!(await flock(file, ['--wait', String(waitMs / 1000)], signal))) {
        throw inUse(options, readHolder(file));
      }
    }
    noteHolder(file, JSON.stringify(holder));
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return {
    release() {
      noteHolder(file, '');
      closeSync(file);
    },
  };
}

/**
 * Checks whether the lock of a hotkey is free, without taking it.
 * @param replacing processes that are about to end; their locks count as free
 * @throws MinerError HOTKEY_IN_USE, STATE_DIR_UNUSABLE; the signal's reason once it is aborted
 */
export async function checkHotkeyLock(
  options: LockOptions & { readonly replacing: readonly number[]; readonly signal: AbortSignal },
): Promise<void> {
  const file = openLockFile(options.folder);
  try {
    // A shared lock, so that two checks at once do not disturb each other.
    if (await flock(file, ['--nonblock', '--shared'], options.signal)) return;
    const holder = readHolder(file);
    if (holder === undefined || !options.replacing.includes(holder.pid)) throw inUse(options, holder);
  } finally {
    closeSync(file);
  }
}

/** Node opens files so that children do not inherit them. So only this process has the lock. */
function openLockFile(folder: string): number {
  const path = join(folder, 'lock');
  try {
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new MinerError('STATE_DIR_UNUSABLE', `${path} cannot be opened (${code})`, { cause: error });
  }
  throw new MinerError('STATE_DIR_UNUSABLE', `${path} is not a file`);
}

/**
 * Locks an open file by flock(2). Node has no such call, so the program `flock` locks the open file that it shares with
 * this process. The lock stays when the program ends.
 * @returns false if another process has the lock
 */
async function flock(file: number, how: readonly string[], signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  const child = spawn('flock', [...how, '--conflict-exit-code', String(IS_HELD), '3'], {
    stdio: ['ignore', 'ignore', 'pipe', file],
  });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop, { once: true });
  try {
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code === 0) return true;
    if (code === IS_HELD) return false;
    throw new MinerError('STATE_DIR_UNUSABLE', `the lock of the hotkey cannot be taken: ${words.trim()}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new MinerError('STATE_DIR_UNUSABLE', 'flock is not installed: apt-get install util-linux');
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function noteHolder(file: number, text: string): void {
  try {
    // The file is overwritten and never shortened: on a full disk, freed space may not come back. JSON may end in spaces.
    const lengthBytes = Math.max(fstatSync(file).size, Buffer.byteLength(text));
    const bytes = Buffer.alloc(lengthBytes, ' ');
    bytes.write(text);
    writeSync(file, bytes, 0, lengthBytes, 0);
  } catch {
    // The disk is full, and the file is new. The lock works, but messages cannot name its holder.
  }
}

function readHolder(file: number): LockHolder | undefined {
  const bytes = Buffer.alloc(HOLDER_LIMIT_BYTES);
  const length = readSync(file, bytes, 0, bytes.length, 0);
  try {
    return HOLDER.parse(JSON.parse(bytes.toString('utf8', 0, length)));
  } catch {
    // The holder is starting or ending. Messages cannot name it.
    return undefined;
  }
}

function inUse({ hotkey, folder }: LockOptions, holder: LockHolder | undefined): MinerError {
  const who =
    holder === undefined
      ? 'another process'
      : `the process ${holder.pid} of ${holder.checkout} (AXON_PORT ${holder.axonPort})`;
  return new MinerError(
    'HOTKEY_IN_USE',
    `${who} runs the hotkey ${hotkey} and holds ${join(folder, 'lock')}`,
  );
}
