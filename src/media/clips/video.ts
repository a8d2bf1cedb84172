import { open } from 'node:fs/promises';
import { MinerError } from '../../errors.ts';
import { fitFrames } from '../fitting/fit-frames.ts';
import type { Fit, RgbFrames } from '../frames.ts';
import { FRAMES_LIMIT_BYTES, VIDEO_FRAMES_LIMIT, VIDEO_SAMPLES_LIMIT } from '../limits.ts';
import { SNIFF_LENGTH_BYTES, sniffMedia } from '../sniff.ts';
import { PROGRESS_FD, runDecoder } from './decoder-process.ts';
import { createDecodingForecast } from './decoding-forecast.ts';
import { type FrameStride, sampleIndices } from './sample-indices.ts';
import { complaintError } from './video-complaint.ts';
import { inputOptions } from './video-input.ts';
import { type ClipFacts, probeVideo } from './video-probe.ts';

interface SampleOptions {
  /** Frames wanted, 1 to `VIDEO_SAMPLES_LIMIT`. */
  readonly frames: number;
  /** Which frames; `even` if absent. */
  readonly frameStride?: FrameStride;
  readonly fit: Fit;
  readonly signal: AbortSignal;
  /** For probing and decoding together. */
  readonly timeLimitMs: number;
  /** Threads of the decoder, 1 if absent. Each costs the memory of a few more frames. */
  readonly threads?: number;
}

export interface VideoSample {
  /** The frames, as many as were wanted. */
  readonly frames: RgbFrames;
  readonly clip: ClipFacts;
}

/**
 * Decodes the frames of a clip that `sampleIndices` names, and fits each. Only the first `VIDEO_FRAMES_LIMIT` frames of
 * a clip count. At native size the frames equal ffmpeg's own decode to rgb24 byte for byte: lossless RGB passes no
 * colour matrix, and a rotation in the container is ignored, as EXIF orientation is in images. At most one whole frame
 * is held besides the result. A clip that cannot be decoded in time is refused early: by its header, or after about a
 * CPU-second of decoding.
 *
 * @param path a local MP4 or QuickTime file; its index may lie at either end
 * @throws MinerError MEDIA_UNSUPPORTED, MEDIA_TOO_LARGE, MEDIA_UNDECODABLE (damaged or truncated), MEDIA_TIMEOUT,
 *   MEDIA_DECODER_MISSING; the signal's reason once it is aborted. The child is gone by then.
 */
export async function sampleVideo(path: string, options: SampleOptions): Promise<VideoSample> {
  const { frames, timeLimitMs } = options;
  if (!Number.isInteger(frames) || frames < 1 || frames > VIDEO_SAMPLES_LIMIT) {
    throw new RangeError(`frames must be 1 to ${VIDEO_SAMPLES_LIMIT}, not ${frames}`);
  }
  options.signal.throwIfAborted();
  const endsAtMs = performance.now() + timeLimitMs;
  const remainingMs = () => endsAtMs - performance.now();
  const timer = AbortSignal.timeout(Math.max(0, Math.ceil(timeLimitMs)));
  const signal = AbortSignal.any([options.signal, timer]);
  try {
    const bytes = await videoBytes(path);
    const { clip, cpuMs } = await probeVideo(path, { signal });
    const frames = await decodeFrames({ path, bytes, clip, cpuMs }, { ...options, signal, remainingMs });
    return { frames, clip };
  } catch (error) {
    if (error === timer.reason && timer.aborted) {
      throw new MinerError(
        'MEDIA_TIMEOUT',
        `the video took more than ${Math.round(timeLimitMs)} ms to decode`,
      );
    }
    throw error;
  }
}

/** The size of the file. */
async function videoBytes(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(SNIFF_LENGTH_BYTES) });
    if (sniffMedia(buffer.subarray(0, bytesRead))?.modality === 'video') {
      return (await file.stat()).size;
    }
  } finally {
    await file.close();
  }
  throw new MinerError('MEDIA_UNSUPPORTED', 'the body is not an MP4 or QuickTime video');
}

interface ProbedFile {
  readonly path: string;
  readonly bytes: number;
  readonly clip: ClipFacts;
  /** CPU milliseconds that the file has cost so far. */
  readonly cpuMs: number;
}

async function decodeFrames(
  { path, bytes, clip, cpuMs }: ProbedFile,
  options: SampleOptions & { readonly remainingMs: () => number },
): Promise<RgbFrames> {
  const { frames: wanted, frameStride, fit, signal, timeLimitMs, remainingMs, threads = 1 } = options;
  const { width, height } = fit.mode === 'native' ? clip : fit;
  const indices = sampleIndices(Math.min(clip.frameCount, VIDEO_FRAMES_LIMIT), wanted, frameStride);
  const distinct = [...new Set(indices)];
  const fittedBytes = width * height * 3;
  if (wanted * fittedBytes > FRAMES_LIMIT_BYTES) {
    throw new MinerError('MEDIA_TOO_LARGE', `${wanted} frames of ${width} × ${height} pixels were asked for`);
  }
  const lastFrame = distinct.at(-1) ?? 0;
  const forecast = createDecodingForecast({
    frames: lastFrame + 1,
    framePixels: clip.width * clip.height,
    bytes: (bytes * (lastFrame + 1)) / clip.frameCount,
    threads,
    spentCpuMs: cpuMs,
    remainingMs,
  });
  forecast.assertFeasible();
  const data = Buffer.allocUnsafeSlow(wanted * fittedBytes);
  let decoded = 0;
  const collect = collectFrames(clip, async (frame) => {
    if (decoded === distinct.length) {
      throw new MinerError('MEDIA_UNDECODABLE', 'the video decodes to more than was asked for');
    }
    const native = { data: frame, count: 1, height: clip.height, width: clip.width };
    const fitted = await fitFrames(native, fit, { signal });
    fitted.data.copy(data, decoded * fittedBytes);
    decoded += 1;
  });
  const { succeeded, complaint, outOfCpu } = await runDecoder({
    program: 'ffmpeg',
    args: decodeArguments(path, clip, distinct, threads),
    signal,
    cpuLimitS: (threads * timeLimitMs) / 1000 + 1,
    onOutput: collect,
    forecast,
  });
  if (outOfCpu) throw new MinerError('MEDIA_TIMEOUT', 'the video took more CPU time to decode than was left');
  if (!succeeded) throw complaintError(complaint);
  if (decoded < distinct.length) {
    throw new MinerError(
      'MEDIA_UNDECODABLE',
      `the video is truncated: only ${decoded} of the ${distinct.length} wanted frames could be decoded`,
    );
  }
  for (let index = decoded; index < wanted; index++) {
    data.copyWithin(index * fittedBytes, (decoded - 1) * fittedBytes, decoded * fittedBytes);
  }
  return { data, count: wanted, height, width };
}

/** Splits raw video into frames. `onFrame` gets the same buffer each time, and owns it until its promise settles. */
function collectFrames(clip: ClipFacts, onFrame: (frame: Buffer) => Promise<void>) {
  const frame = Buffer.allocUnsafe(clip.width * clip.height * 3);
  let filled = 0;
  return async (chunk: Buffer): Promise<void> => {
    for (let offset = 0; offset < chunk.length; ) {
      const copied = chunk.copy(frame, filled, offset);
      offset += copied;
      filled += copied;
      if (filled === frame.length) {
        await onFrame(frame);
        filled = 0;
      }
    }
  };
}

/** The command for the frames at `indices` (ascending, distinct) as raw rgb24 on standard output. */
function decodeArguments(
  path: string,
  clip: ClipFacts,
  indices: readonly number[],
  threads: number,
): string[] {
  const filters = [
    // This crop cuts nothing. It fails if the size changes, because that would shift all following raw bytes.
    `crop=w='if(eq(iw,${clip.width})*eq(ih,${clip.height}),${clip.width},-1)':h=${clip.height}:x=0:y=0:exact=1`,
    // One line for each decoded frame, wanted or not, for the forecast.
    'metadata=add:key=n:value=1',
    `metadata=print:key=n:file=pipe\\\\:${PROGRESS_FD}:direct=1`,
    `select='${selection(indices)}'`,
    // Even timestamps at the rate of the output, so that no version of ffmpeg repeats or drops a frame.
    'settb=1/25',
    'setpts=N',
  ];
  return [
    // With xerror the first damaged frame is an error. Without it ffmpeg would conceal the damage and succeed.
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-xerror', '-filter_threads', '1'],
    ...inputOptions(),
    ...['-threads', String(threads), '-noautorotate', '-i', `file:${path}`],
    ...['-map', '0:V:0', '-an', '-sn', '-dn', '-vf', filters.join(',')],
    // Ends after the last wanted frame: later frames are not decoded.
    ...['-frames:v', String(indices.length), '-r', '25', '-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:1'],
  ];
}

/** ffmpeg allows expressions of depth 100, and a chain of sums is as deep as it is long. Groups keep it flat. */
const SELECTION_GROUP_LENGTH = 16;

/** ffmpeg's expression that is true of the frames at `indices`. */
function selection(indices: readonly number[]): string {
  const groups: string[] = [];
  for (let from = 0; from < indices.length; from += SELECTION_GROUP_LENGTH) {
    const group = indices.slice(from, from + SELECTION_GROUP_LENGTH);
    groups.push(`(${group.map((index) => `eq(n,${index})`).join('+')})`);
  }
  return groups.join('+');
}
