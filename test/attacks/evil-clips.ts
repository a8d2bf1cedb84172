import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeClip, patchBox } from '../fixtures/media.ts';

const run = promisify(execFile);

/** A black clip: some bytes a frame to send, and all of its pixels to decode. */
export const makeBlackClip = (size: string, frames: number) =>
  makeLoopedClip(`color=black:size=${size}:rate=30`, [], frames);

/** Noise, encoded coarsely: about the most that decoding costs for its pixels and bytes. */
export const makeNoisyClip = (size: string, frames: number) =>
  makeLoopedClip(`color=gray:size=${size}:rate=30,noise=alls=60:allf=t`, ['-crf', '40'], frames);

/** A clip of so many samples, of a byte each. */
export async function makeLongIndexClip(samples: number): Promise<Buffer> {
  const clip = await makeClip({ width: 32, height: 32, frames: 9, seed: 1 });
  const sized = patchBox(clip, 'stsz', 4, [1, samples]);
  const indexed = patchBox(patchBox(sized, 'stsc', 8, [1, samples, 1]), 'stts', 8, [samples, 512]);
  return Buffer.concat([indexed, Buffer.alloc(samples)]);
}

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
