import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { VALIDATOR_TIMEOUT_MS } from '../admission/deadline.ts';
import { MinerError } from '../errors.ts';
import { sampleVideo } from '../media/clips/video.ts';
import { probeVideo } from '../media/clips/video-probe.ts';
import type { RgbFrames } from '../media/frames.ts';
import { VIDEO_SAMPLES_LIMIT } from '../media/limits.ts';
import { createPictureDecoder } from '../media/pictures/picture-decoder.ts';
import { SNIFF_LENGTH_BYTES, sniffMedia } from '../media/sniff.ts';
import { createLogger } from '../telemetry/logger.ts';
import type { CommandContext } from './context.ts';
import { readMedia } from './read-media.ts';

/**
 * Decodes pictures and clips as the miner does, at full size and within its limits, and prints a line of JSON for each:
 * its size, its number of frames and the SHA-256 of its pixels (rgb24, frame after frame).
 * @param out file that gets the pixels, if there is only one picture or clip
 * @throws MinerError CONFIG_INVALID if a file cannot be read; MEDIA_*
 */
export async function decode(
  { stdout, shutdown }: CommandContext,
  files: readonly string[],
  out: string | undefined,
): Promise<void> {
  for (const file of files) {
    const { data, width, height, count } = await decodeFile(file, shutdown);
    const sha256 = createHash('sha256').update(data).digest('hex');
    stdout.write(`${JSON.stringify({ width, height, frames: count, sha256 })}\n`);
    if (out !== undefined) await writeFile(out, data);
  }
}

async function decodeFile(file: string, signal: AbortSignal): Promise<RgbFrames> {
  const bytes = await readMedia(file);
  try {
    const isClip = sniffMedia(bytes.subarray(0, SNIFF_LENGTH_BYTES))?.modality === 'video';
    return isClip ? await decodeClip(file, signal) : await decodePicture(bytes, signal);
  } catch (error) {
    if (!(error instanceof MinerError)) throw error;
    throw new MinerError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

async function decodePicture(bytes: Buffer, signal: AbortSignal): Promise<RgbFrames> {
  const decoder = createPictureDecoder({ processes: 1, logger: createLogger({ level: 'silent' }) });
  try {
    return (await decoder.decode(bytes, { fit: { mode: 'native' }, signal })).frames;
  } finally {
    await decoder.close();
  }
}

async function decodeClip(file: string, signal: AbortSignal): Promise<RgbFrames> {
  const { frameCount } = (await probeVideo(file, { signal })).clip;
  if (frameCount > VIDEO_SAMPLES_LIMIT) {
    throw new MinerError(
      'MEDIA_TOO_LARGE',
      `the clip has ${frameCount} frames; this command decodes at most ${VIDEO_SAMPLES_LIMIT}`,
    );
  }
  const { frames } = await sampleVideo(file, {
    frames: frameCount,
    fit: { mode: 'native' },
    signal,
    timeLimitMs: VALIDATOR_TIMEOUT_MS,
  });
  return frames;
}
