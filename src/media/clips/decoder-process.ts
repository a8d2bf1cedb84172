import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { MinerError } from '../../errors.ts';
import { DECODER_MEMORY_LIMIT_BYTES } from '../limits.ts';
import type { DecodingForecast } from './decoding-forecast.ts';
import { keepFirst } from './keep-first.ts';
import { processCpuMs } from './process-cpu.ts';

interface DecoderProcess {
  readonly program: 'ffmpeg' | 'ffprobe';
  readonly args: readonly string[];
  /** Kills the child when aborted. */
  readonly signal: AbortSignal;
  /** CPU seconds after which the child is ended, here within a tenth of a second, or by the kernel a second later. */
  readonly cpuLimitS: number;
  /** Takes standard output piece by piece; the child waits while a returned promise is pending. */
  readonly onOutput: (chunk: Buffer) => Promise<void> | void;
  /** Told how far the child is, and asked now and then whether it should go on. */
  readonly forecast?: Pick<DecodingForecast, 'onProgress' | 'assertHopeful'>;
}

interface DecoderResult {
  readonly succeeded: boolean;
  /** The first of what the child wrote to standard error. */
  readonly complaint: string;
  /** Whether the child was ended because it had used `cpuLimitS`. */
  readonly outOfCpu: boolean;
  /** CPU milliseconds that it was seen to use. */
  readonly cpuMs: number;
}

const COMPLAINT_LIMIT_BYTES = 4096;
/** What prlimit exits with when it cannot find the program. */
const PROGRAM_NOT_FOUND = 127;
/** Where a child writes how far it is. */
export const PROGRESS_FD = 3;
/** Between two looks at how much CPU time a child has used. */
const FORECAST_INTERVAL_MS = 100;

/**
 * Runs ffmpeg or ffprobe under kernel limits on memory and CPU time, with neither a shell nor our environment (which
 * may hold passwords), and waits until it is gone, whatever happens. ffmpeg has no memory limit of its own that covers
 * a hostile index, hence prlimit (util-linux), which sets the limits and becomes the program.
 *
 * @throws MinerError MEDIA_DECODER_MISSING; what `onOutput` and `forecast` throw; the signal's reason once it is aborted
 */
export async function runDecoder(options: DecoderProcess): Promise<DecoderResult> {
  const { program, args, signal, cpuLimitS, onOutput, forecast } = options;
  signal.throwIfAborted();
  const limits = [`--data=${DECODER_MEMORY_LIMIT_BYTES}`, `--cpu=${Math.ceil(cpuLimitS) + 1}`, '--core=0'];
  const child = spawn('prlimit', [...limits, '--', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in a terminal would reach it too, and end what is still to be answered.
    detached: true,
    env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
  });
  const [, stdout, stderr, progress] = child.stdio as unknown as [null, Readable, Readable, Readable];
  let endedBy: NodeJS.Signals | null = null;
  const ended = new Promise<number | null | Error>((resolve) => {
    child.on('error', resolve);
    child.once('close', (code, signalName) => {
      endedBy = signalName;
      resolve(code);
    });
  });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();

  const complaint = keepFirst(stderr, COMPLAINT_LIMIT_BYTES);
  progress.on('data', (chunk: Buffer) => forecast?.onProgress(chunk));
  // What ends a child also ends its pipes.
  progress.on('error', () => {});

  let refusal: { readonly error: unknown } | undefined;
  const refuse = (error: unknown) => {
    refusal ??= { error };
    kill();
  };
  let usedCpuMs = 0;
  const watch = setInterval(async () => {
    if (child.pid !== undefined) usedCpuMs = (await processCpuMs(child.pid)) ?? usedCpuMs;
    if (usedCpuMs > 1000 * cpuLimitS) kill();
    try {
      forecast?.assertHopeful(usedCpuMs);
    } catch (error) {
      refuse(error);
    }
  }, FORECAST_INTERVAL_MS);
  try {
    for await (const chunk of stdout) await onOutput(chunk);
  } catch (error) {
    refuse(error);
  }
  const end = await ended;
  clearInterval(watch);
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (refusal !== undefined) throw refusal.error;
  if (end instanceof Error) {
    const missing = 'code' in end && end.code === 'ENOENT';
    throw new MinerError(
      missing ? 'MEDIA_DECODER_MISSING' : 'INTERNAL',
      missing ? 'prlimit is not on the PATH' : `${program} cannot be started`,
      { cause: end },
    );
  }
  const words = complaint();
  if (end === PROGRAM_NOT_FOUND && words.startsWith('prlimit:')) {
    throw new MinerError('MEDIA_DECODER_MISSING', `${program} is not on the PATH`);
  }
  const outOfCpu = endedBy !== null && usedCpuMs > 1000 * cpuLimitS;
  return { succeeded: end === 0, complaint: words, outOfCpu, cpuMs: usedCpuMs };
}
