import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Who holds the lock, as it wrote itself down. */
export interface LockHolder {
  readonly pid: number;
  /** Folder of its checkout. */
  readonly checkout: string;
  readonly axonPort: number;
  readonly adminPort: number;
}

/** The right to run one hotkey. It ends with the process, however that ends. */
export interface HotkeyLock {
  release(): void;
}

interface LockOptions {
  /** The hotkey's folder in STATE_DIR: private to this user, so that no other user can open the file in it. */
  readonly folder: string;
  /** ss58 address, for the message. */
  readonly hotkey: string;
}

interface TakeOptions extends LockOptions {
  readonly holder: LockHolder;
  /** How long the present holder is given to end; milliseconds. */
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
/** flock's exit code for a lock that another has; its own faults have others. */
const IS_HELD = 99;

/**
 * Takes the exclusive lock of a hotkey, after waiting for its holder if there is one.
 * @throws MinerError HOTKEY_IN_USE if the holder goes on, STATE_DIR_UNUSABLE if there can be no lock; the signal's reason
 *   once it is aborted
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
 * Looks whether the lock of a hotkey could be taken, without taking it.
 * @param replacing processes that are about to end: a lock of theirs counts as free
 * @throws MinerError HOTKEY_IN_USE, STATE_DIR_UNUSABLE; the signal's reason once it is aborted
 */
export async function checkHotkeyLock(
  options: LockOptions & { readonly replacing: readonly number[]; readonly signal: AbortSignal },
): Promise<void> {
  const file = openLockFile(options.folder);
  try {
    // Shared, so that two who look do not stand in each other's way.
    if (await flock(file, ['--nonblock', '--shared'], options.signal)) return;
    const holder = readHolder(file);
    if (holder === undefined || !options.replacing.includes(holder.pid)) throw inUse(options, holder);
  } finally {
    closeSync(file);
  }
}

/** Node opens files so that children do not inherit them: the lock is this process's alone. */
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
  throw new MinerError('STATE_DIR_UNUSABLE', `${path} is no file`);
}

/**
 * Locks an open file by flock(2), which Node does not have: the program of that name locks the description that it
 * shares with this process, and the lock stays when the program ends.
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
    // Written over and never cut off: what a full disk takes back, it does not give again. JSON may end in spaces.
    const lengthBytes = Math.max(fstatSync(file).size, Buffer.byteLength(text));
    const bytes = Buffer.alloc(lengthBytes, ' ');
    bytes.write(text);
    writeSync(file, bytes, 0, lengthBytes, 0);
  } catch {
    // The disk is full, and the file is new. The lock holds all the same; only the name of its holder will be missing from a message.
  }
}

function readHolder(file: number): LockHolder | undefined {
  const bytes = Buffer.alloc(HOLDER_LIMIT_BYTES);
  const length = readSync(file, bytes, 0, bytes.length, 0);
  try {
    return HOLDER.parse(JSON.parse(bytes.toString('utf8', 0, length)));
  } catch {
    // It is just starting, or ending: who it is will not be known.
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
