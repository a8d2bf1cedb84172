import { spawn } from 'node:child_process';
import { MinerError } from '../errors.ts';
import { DECODER_MEMORY_LIMIT_BYTES } from './limits.ts';

interface DecoderProcess {
  readonly program: 'ffmpeg' | 'ffprobe';
  readonly args: readonly string[];
  /** Kills the child when aborted. */
  readonly signal: AbortSignal;
  /** CPU seconds after which the kernel ends the child, should this process no longer be there to do it. */
  readonly cpuLimitS: number;
  /** Takes standard output piece by piece; the child waits while a returned promise is pending. */
  readonly onOutput: (chunk: Buffer) => Promise<void> | void;
}

interface DecoderResult {
  readonly succeeded: boolean;
  /** The first of what the child wrote to standard error. */
  readonly complaint: string;
}

const COMPLAINT_LIMIT_BYTES = 4096;
/** What prlimit exits with when it cannot find the program. */
const PROGRAM_NOT_FOUND = 127;

/**
 * Runs ffmpeg or ffprobe under kernel limits on memory and CPU time, with neither a shell nor our environment (which
 * may hold passwords), and waits until it is gone, whatever happens. ffmpeg has no memory limit of its own that covers
 * a hostile index, hence prlimit (util-linux), which sets the limits and becomes the program.
 *
 * @throws MinerError MEDIA_DECODER_MISSING; what `onOutput` throws; the signal's reason once it is aborted
 */
export async function runDecoder(options: DecoderProcess): Promise<DecoderResult> {
  const { program, args, signal, cpuLimitS, onOutput } = options;
  signal.throwIfAborted();
  const limits = [`--data=${DECODER_MEMORY_LIMIT_BYTES}`, `--cpu=${Math.ceil(cpuLimitS)}`, '--core=0'];
  const child = spawn('prlimit', [...limits, '--', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in a terminal would reach it too, and end what is still to be answered.
    detached: true,
    env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
  });
  const ended = new Promise<number | null | Error>((resolve) => {
    child.on('error', resolve);
    child.once('close', resolve);
  });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();

  const complaint: Buffer[] = [];
  let complaintBytes = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaintBytes < COMPLAINT_LIMIT_BYTES) complaint.push(chunk);
    complaintBytes += chunk.length;
  });
  // What ends a child also ends this pipe; the exit code says what there is to say.
  child.stderr.on('error', () => {});
  let outputError: { readonly error: unknown } | undefined;
  try {
    for await (const chunk of child.stdout) await onOutput(chunk);
  } catch (error) {
    outputError = { error };
    kill();
  }
  const end = await ended;
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (outputError !== undefined) throw outputError.error;
  if (end instanceof Error) {
    const missing = 'code' in end && end.code === 'ENOENT';
    throw new MinerError(
      missing ? 'MEDIA_DECODER_MISSING' : 'INTERNAL',
      missing ? 'prlimit is not on the PATH' : `${program} cannot be started`,
      { cause: end },
    );
  }
  const words = Buffer.concat(complaint).toString('utf8', 0, COMPLAINT_LIMIT_BYTES);
  if (end === PROGRAM_NOT_FOUND && words.startsWith('prlimit:')) {
    throw new MinerError('MEDIA_DECODER_MISSING', `${program} is not on the PATH`);
  }
  return { succeeded: end === 0, complaint: words };
}
