import { z } from 'zod';
import { MinerError } from '../../errors.ts';
import { runDecoder } from './decoder-process.ts';
import { complaintError } from './video-complaint.ts';
import { inputOptions } from './video-input.ts';

/** The facts about a clip before it is decoded. */
export interface ClipFacts {
  /** Pixels, ≥ 1, as coded. A rotation in the container is ignored. */
  readonly width: number;
  readonly height: number;
  /** Coded frames in the file, ≥ 1. They are counted, because the index may lie. */
  readonly frameCount: number;
}

const OUTPUT_LIMIT_BYTES = 64 * 1024;
/** The index of a clip of 91 MB takes 0.2 s. Only a hostile index takes longer than this. */
const PROBE_CPU_LIMIT_S = 1;

const probeSchema = z.object({
  streams: z
    .array(
      z.object({
        width: z.int().min(1),
        height: z.int().min(1),
        nb_frames: z.coerce.number().int().optional(),
        nb_read_packets: z.coerce.number().int(),
      }),
    )
    .max(1),
});

/**
 * Reads the size of a clip and counts its frames by reading its packets. This takes about 0.2 s, most of it for the
 * start of ffprobe. A file with fewer frames than its index names is refused here, before anything is decoded.
 *
 * @returns the facts, and the CPU milliseconds that the probe took
 * @throws MinerError MEDIA_UNSUPPORTED (no video in it, or a codec that is not decoded here), MEDIA_TOO_LARGE,
 *   MEDIA_UNDECODABLE, MEDIA_DECODER_MISSING; the signal's reason once it is aborted
 */
export async function probeVideo(
  path: string,
  { signal }: { signal: AbortSignal },
): Promise<{ readonly clip: ClipFacts; readonly cpuMs: number }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const { succeeded, complaint, outOfCpu, cpuMs } = await runDecoder({
    program: 'ffprobe',
    args: [
      ...['-hide_banner', '-loglevel', 'error', '-threads', '1'],
      ...inputOptions(),
      // V: video streams that are not cover pictures.
      ...['-select_streams', 'V:0', '-count_packets'],
      ...['-show_entries', 'stream=width,height,nb_frames,nb_read_packets', '-of', 'json'],
      ...['-i', `file:${path}`],
    ],
    signal,
    cpuLimitS: PROBE_CPU_LIMIT_S,
    onOutput: (chunk) => {
      bytes += chunk.length;
      if (bytes > OUTPUT_LIMIT_BYTES)
        throw new MinerError('MEDIA_UNDECODABLE', 'the video has too many parts');
      chunks.push(chunk);
    },
  });
  if (outOfCpu) {
    throw new MinerError(
      'MEDIA_TOO_LARGE',
      `the video's index takes more than ${PROBE_CPU_LIMIT_S} s of CPU time to read`,
    );
  }
  if (!succeeded) throw complaintError(complaint);
  return { clip: readFacts(Buffer.concat(chunks).toString('utf8'), complaint), cpuMs };
}

function readFacts(output: string, complaint: string): ClipFacts {
  const { streams } = parse(output, complaint);
  const [stream] = streams;
  if (stream === undefined) throw new MinerError('MEDIA_UNSUPPORTED', 'there is no video in the file');
  const { width, height, nb_frames: indexed, nb_read_packets: frameCount } = stream;
  if (indexed !== undefined && frameCount < indexed) {
    throw new MinerError(
      'MEDIA_UNDECODABLE',
      `the video is truncated: its index names ${indexed} frames and the file holds ${frameCount}`,
    );
  }
  if (frameCount < 1) throw new MinerError('MEDIA_UNDECODABLE', 'the video has no frames');
  return { width, height, frameCount };
}

function parse(output: string, complaint: string) {
  try {
    return probeSchema.parse(JSON.parse(output));
  } catch (error) {
    if (complaint !== '') throw complaintError(complaint);
    throw new MinerError('MEDIA_UNDECODABLE', 'the video has no readable size or frames', { cause: error });
  }
}
