import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A black clip: some bytes a frame to send, and all of its pixels to decode.
 * @param size such as `3840x2160`
 * @param frames of which the first 60 are encoded and then repeated
 */
export async function makeBlackClip(size: string, frames: number): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'evil-clip-'));
  const [short, long] = [join(folder, 'short.mp4'), join(folder, 'long.mp4')];
  try {
    const source = `color=black:size=${size}:rate=30`;
    const encoder = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
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
