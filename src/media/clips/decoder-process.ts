import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { startLimited } from '../limited-child.ts';
import { DECODER_MEMORY_LIMIT_BYTES } from '../limits.ts';
import type { DecodingForecast } from './decoding-forecast.ts';

/** Runs ffmpeg and ffprobe, one child for each call. Owned by video.ts and video-probe.ts. */

interface DecoderProcess {
  readonly program: 'ffmpeg' | 'ffprobe';
  readonly args: readonly string[];
  /** Kills the child when aborted. */
  readonly signal: AbortSignal;
  /** CPU seconds after which the child is killed: within 0.1 s by this process, or a second later by the kernel. */
  readonly cpuLimitS: number;
  /** Gets standard output in pieces. The child waits while a returned promise is pending. */
  readonly onOutput: (chunk: Buffer) => Promise<void> | void;
  /** Gets the progress of the child, and decides every 0.1 s whether it goes on. */
  readonly forecast?: Pick<DecodingForecast, 'onProgress' | 'assertHopeful'>;
}

interface DecoderResult {
  readonly succeeded: boolean;
  /** The first 4 KiB of the child's standard error. */
  readonly complaint: string;
  /** Whether the child was killed because it had used `cpuLimitS`. */
  readonly outOfCpu: boolean;
  /** CPU milliseconds that the child used, as last read. */
  readonly cpuMs: number;
}

/** The descriptor to which a child writes its progress. */
export const PROGRESS_FD = 3;
/** Time between two readings of the CPU time of a child. */
const FORECAST_INTERVAL_MS = 100;

/**
 * Runs ffmpeg or ffprobe under kernel limits on memory and CPU time. Settles when the child is gone. ffmpeg has no memory
 * limit of its own that covers a hostile index.
 *
 * @throws MinerError MEDIA_DECODER_MISSING; what `onOutput` and `forecast` throw; the signal's reason once it is aborted
 */
export async function runDecoder(options: DecoderProcess): Promise<DecoderResult> {
  const { program, args, signal, cpuLimitS, onOutput, forecast } = options;
  signal.throwIfAborted();
  const { child, gone, kill } = startLimited({
    program,
    args,
    limits: [`--data=${DECODER_MEMORY_LIMIT_BYTES}`, `--cpu=${Math.ceil(cpuLimitS) + 1}`],
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, stdout, , progress] = child.stdio as unknown as [null, Readable, Readable, Readable];
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  progress.on('data', (chunk: Buffer) => forecast?.onProgress(chunk));
  // The pipe breaks when the child ends.
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
  const { code, signal: endedBy, complaint, startError } = await gone;
  clearInterval(watch);
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (refusal !== undefined) throw refusal.error;
  if (startError !== undefined) throw startError;
  const outOfCpu = endedBy !== null && usedCpuMs > 1000 * cpuLimitS;
  return { succeeded: code === 0, complaint, outOfCpu, cpuMs: usedCpuMs };
}

/** Linux counts CPU time in hundredths of a second, on every machine that Node runs on. */
const MS_PER_TICK = 10;

/** CPU milliseconds that all threads of a process have used; undefined once it is gone. */
async function processCpuMs(pid: number): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Counted from behind the name, which may hold spaces and brackets: utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}
