import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A black clip: some bytes a frame to send, and all of its pixels to decode. */
export const makeBlackClip = (size: string, frames: number) =>
  makeLoopedClip(`color=black:size=${size}:rate=30`, [], frames);

/** Noise, encoded coarsely: about the most that decoding costs for its pixels and bytes. */
export const makeNoisyClip = (size: string, frames: number) =>
  makeLoopedClip(`color=gray:size=${size}:rate=30,noise=alls=60:allf=t`, ['-crf', '40'], frames);

/**
 * @param source of ffmpeg's lavfi
 * @param frames of which the first 60 are encoded and then repeated
 */
async function makeLoopedClip(source: string, quality: readonly string[], frames: number): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'evil-clip-'));
  const [short, long] = [join(folder, 'short.mp4'), join(folder, 'long.mp4')];
  try {
    const encoder = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      ...quality,
      '-pix_fmt',
      'yuv420p',
    ];
    await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, '-frames:v', '60', ...encoder, short]);
    const repeat = ['-stream_loop', String(Math.ceil(frames / 60) - 1), '-i', short];
    await run('ffmpeg', ['-v', 'error', ...repeat, '-c', 'copy', '-movflags', '+faststart', long]);
    return await readFile(long);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
