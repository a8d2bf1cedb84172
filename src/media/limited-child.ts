import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { isAbsolute } from 'node:path';
import type { Readable } from 'node:stream';
import { MinerError } from '../errors.ts';

/**
 * Starts the programs that read media from strangers: ffmpeg, ffprobe and the process that decodes pictures.
 * The module that starts a child owns it, and waits until it is gone.
 */

interface LimitedChildOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** Kernel limits, as options of prlimit. */
  readonly limits: readonly string[];
  /** Variables besides PATH and LC_ALL. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard error must be a pipe. */
  readonly stdio: SpawnOptions['stdio'];
}

/** How a child ended. */
export interface ChildEnd {
  /** Null if a signal ended it, or if it was never started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The first 4 KiB of its standard error. */
  readonly complaint: string;
  /** Why it was not started: MEDIA_DECODER_MISSING or INTERNAL. Undefined if it was started. */
  readonly startError: MinerError | undefined;
}

export interface LimitedChild {
  readonly child: ChildProcess;
  /** Resolves when nothing is left of it. */
  readonly gone: Promise<ChildEnd>;
  kill(): void;
}

const COMPLAINT_LIMIT_BYTES = 4096;
/** The exit code of prlimit if it cannot find the program. */
const PROGRAM_NOT_FOUND = 127;

/**
 * Starts a program under kernel limits, without a shell and without the miner's environment, which may hold passwords.
 * prlimit (util-linux) sets the limits and then becomes the program.
 */
export function startLimited(options: LimitedChildOptions): LimitedChild {
  const { program, args, limits, environment, stdio } = options;
  const child = spawn('prlimit', [...limits, '--core=0', '--', program, ...args], {
    stdio,
    // The child has a process group of its own: Ctrl-C in a terminal must not end work that is still to be answered.
    detached: true,
    env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', ...environment },
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  const complaint = keepFirst(child.stderr as Readable, COMPLAINT_LIMIT_BYTES);
  const gone = new Promise<ChildEnd>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return kill();
      const startError =
        error.code === 'ENOENT'
          ? new MinerError('MEDIA_DECODER_MISSING', 'prlimit is not on the PATH', { cause: error })
          : new MinerError('INTERNAL', `${program} cannot be started`, { cause: error });
      resolve({ code: null, signal: null, complaint: '', startError });
    });
    child.once('close', (code, signal) => {
      const words = complaint();
      const isMissing = code === PROGRAM_NOT_FOUND && words.startsWith('prlimit:');
      resolve({ code, signal, complaint: words, startError: isMissing ? notFound(program) : undefined });
    });
  });
  return { child, gone, kill };
}

function notFound(program: string): MinerError {
  return isAbsolute(program)
    ? new MinerError('INTERNAL', `${program} cannot be run`)
    : new MinerError('MEDIA_DECODER_MISSING', `${program} is not on the PATH`);
}

/**
 * Reads a stream to its end and keeps only its first bytes: the standard error of a child may have no end.
 * @returns what has been kept so far, as text
 */
export function keepFirst(stream: Readable, limitBytes: number): () => string {
  const kept: Buffer[] = [];
  let room = limitBytes;
  stream.on('data', (chunk: Buffer) => {
    if (room === 0) return;
    const piece = chunk.subarray(0, room);
    kept.push(piece);
    room -= piece.length;
  });
  // The pipe breaks when the child ends; the exit code says why it ended.
  stream.on('error', () => undefined);
  return () => Buffer.concat(kept).toString();
}
