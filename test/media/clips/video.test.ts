import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sampleVideo } from '../../../src/media/clips/video.ts';
import { fitFrames } from '../../../src/media/fitting/fit-frames.ts';
import type { Fit } from '../../../src/media/frames.ts';
import { encodeClip, makeClip, makeJpeg, makePixels, patchBox } from '../../fixtures/media.ts';

const run = promisify(execFile);
const NATIVE: Fit = { mode: 'native' };
const SIZE = { width: 33, height: 25, seed: 3 };
const FRAMES = 9;

let folder: string;
let clip: Buffer;
const path = process.env.PATH;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'video-test-'));
  clip = await makeClip({ ...SIZE, frames: FRAMES });
});

afterEach(() => {
  process.env.PATH = path;
});

afterAll(() => rm(folder, { recursive: true }));

async function sample(bytes: Buffer, options: Partial<Parameters<typeof sampleVideo>[1]> = {}) {
  const file = join(folder, 'clip');
  await writeFile(file, bytes);
  const { signal } = new AbortController();
  return sampleVideo(file, { frames: 4, fit: NATIVE, signal, timeLimitMs: 20_000, ...options });
}

/** All frames of a clip, from ffmpeg without the miner. */
async function decodeAll(bytes: Buffer, frameBytes: number): Promise<Buffer[]> {
  const file = join(folder, 'reference');
  await writeFile(file, bytes);
  const { stdout } = await run(
    'ffmpeg',
    ['-nostdin', '-v', 'error', '-noautorotate', '-i', file, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
    { encoding: 'buffer', maxBuffer: 2 ** 28 },
  );
  return Array.from({ length: stdout.length / frameBytes }, (_, i) =>
    stdout.subarray(i * frameBytes, (i + 1) * frameBytes),
  );
}

/** Processes that have this test's folder on their command line. */
async function childrenLeft(): Promise<string[]> {
  const left: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(folder)) left.push(command);
  }
  return left;
}

describe('sampling a clip as validators send it', () => {
  it('sampling a clip gives exactly the encoded pixels, with the first and the last frame', async () => {
    const { frames, clip: facts } = await sample(clip);
    expect(facts).toEqual({ width: 33, height: 25, frameCount: FRAMES });
    expect(frames).toMatchObject({ count: 4, width: 33, height: 25 });
    const expected = [0, 3, 5, 8].map((frame) => makePixels(SIZE, frame));
    expect(frames.data.equals(Buffer.concat(expected))).toBe(true);
  });

  it('sampling a clip keeps an odd width and height with subsampled colours', async () => {
    const vp9 = ['-c:v', 'libvpx-vp9', '-pix_fmt', 'yuv420p', '-deadline', 'realtime'];
    const pixels = Buffer.concat([0, 1].map((frame) => makePixels(SIZE, frame)));
    const odd = await encodeClip(pixels, SIZE, vp9);
    const { frames } = await sample(odd, { frames: 2 });
    expect(frames).toMatchObject({ count: 2, width: 33, height: 25 });
    expect(frames.data.equals(Buffer.concat(await decodeAll(odd, 33 * 25 * 3)))).toBe(true);
  });

  it('sampling a clip gives the highest number of frames', async () => {
    const size = { width: 4, height: 4, seed: 2 };
    const { frames } = await sample(await makeClip({ ...size, frames: 256 }), { frames: 256 });
    const expected = Array.from({ length: 256 }, (_, frame) => makePixels(size, frame));
    expect(frames.data.equals(Buffer.concat(expected))).toBe(true);
  });

  it('sampling a clip gives every frame when as many are wanted, on several threads too', async () => {
    const { frames } = await sample(clip, { frames: FRAMES, threads: 4 });
    const expected = Array.from({ length: FRAMES }, (_, frame) => makePixels(SIZE, frame));
    expect(frames.data.equals(Buffer.concat(expected))).toBe(true);
  });

  it('sampling a clip gives the middle frame when one is wanted', async () => {
    const { frames } = await sample(clip, { frames: 1 });
    expect(frames.data.equals(makePixels(SIZE, 4))).toBe(true);
  });

  it('sampling a clip with a stride gives every nth frame from the first on', async () => {
    const { frames } = await sample(clip, { frames: 3, frameStride: 2 });
    expect(frames.data.equals(Buffer.concat([0, 2, 4].map((frame) => makePixels(SIZE, frame))))).toBe(true);
  });

  it('sampling a clip repeats the last frame of a clip that is too short', async () => {
    const { frames, clip: facts } = await sample(clip, { frames: 12 });
    expect([frames.count, facts.frameCount]).toEqual([12, FRAMES]);
    const expected = Array.from({ length: 12 }, (_, i) => makePixels(SIZE, Math.min(i, FRAMES - 1)));
    expect(frames.data.equals(Buffer.concat(expected))).toBe(true);
  });

  it('sampling a clip fits each frame as an image is fitted', async () => {
    const fit: Fit = { mode: 'cover', width: 16, height: 16 };
    const { frames } = await sample(clip, { frames: 2, fit });
    const ends = Buffer.concat([makePixels(SIZE, 0), makePixels(SIZE, 8)]);
    const expected = await fitFrames({ data: ends, count: 2, width: 33, height: 25 }, fit);
    expect(frames).toEqual(expected);
  });

  it('sampling a clip works when the index comes last', async () => {
    const pixels = Buffer.concat([0, 1, 2].map((frame) => makePixels(SIZE, frame)));
    const options = ['-c:v', 'libx264rgb', '-crf', '0', '-pix_fmt', 'rgb24'];
    const late = await encodeClip(pixels, SIZE, options);
    expect(late.indexOf('moov')).toBeGreaterThan(late.indexOf('mdat'));
    expect((await sample(late, { frames: 3 })).frames.data.equals(pixels)).toBe(true);
  });
});

/** A generated stream beside the clip's own. */
const secondInput = (source: string) => ['-f', 'lavfi', '-i', source, '-map', '0', '-map', '1'];
const COVER = ['-c:v:0', 'libx264', '-c:v:1', 'png', '-disposition:v:1', 'attached_pic'];

describe('sampling other clips', () => {
  const size = { width: 66, height: 50, seed: 8 };
  const pixels = () => Buffer.concat(Array.from({ length: 24 }, (_, frame) => makePixels(size, frame)));

  it.each([
    ['H.264 with B-frames', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '3', '-g', '8'], 'mp4'],
    [
      'fragments without an index',
      ['-c:v', 'libx264', '-movflags', 'frag_keyframe+empty_moov', '-g', '6'],
      'mp4',
    ],
    ['Motion JPEG in QuickTime', ['-c:v', 'mjpeg', '-q:v', '3'], 'mov'],
    ['MPEG-4 part 2', ['-c:v', 'mpeg4', '-q:v', '3'], 'mp4'],
    ['a rotation in its header', ['-c:v', 'libx264', '-metadata:s:v:0', 'rotate=90'], 'mp4'],
    ['sound beside it', [...secondInput('sine=duration=0.8'), '-c:v', 'libx264', '-c:a', 'aac'], 'mp4'],
    ['a larger cover picture', [...secondInput('color=red:size=320x240:duration=0.04'), ...COVER], 'mp4'],
  ])("sampling equals ffmpeg's own decode for %s", async (_, options, container) => {
    const bytes = await encodeClip(pixels(), size, options, container);
    const all = await decodeAll(bytes, size.width * size.height * 3);
    const { frames, clip: facts } = await sample(bytes, { frames: 5 });
    expect(facts).toEqual({ width: 66, height: 50, frameCount: 24 });
    const expected = [0, 6, 12, 17, 23].map((frame) => all[frame] ?? Buffer.alloc(0));
    expect(frames.data.equals(Buffer.concat(expected))).toBe(true);
  });
});

describe('sampling a very long clip', () => {
  it('only the first two minutes of a very long clip are sampled', async () => {
    const size = { width: 16, height: 16, seed: 2 };
    const frames = Array.from({ length: 3605 }, (_, frame) => makePixels(size, frame));
    const { frames: sampled, clip: facts } = await sample(await encodeClip(Buffer.concat(frames), size), {
      frames: 2,
    });
    expect(facts.frameCount).toBe(3605);
    expect(
      sampled.data.equals(Buffer.concat([frames[0] ?? Buffer.alloc(0), frames[3599] ?? Buffer.alloc(0)])),
    ).toBe(true);
  });
});

describe('refusing a clip', () => {
  it('an image, an unknown container or an empty file is no clip', async () => {
    for (const bytes of [await makeJpeg(SIZE), Buffer.from('\x1aE\xdf\xa3', 'latin1'), Buffer.alloc(0)]) {
      await expect(sample(bytes)).rejects.toMatchObject({ code: 'MEDIA_UNSUPPORTED' });
    }
  });

  it('a clip with an unknown codec is refused', async () => {
    const animation = await encodeClip(makePixels(SIZE), SIZE, ['-c:v', 'qtrle'], 'mov');
    await expect(sample(animation)).rejects.toMatchObject({
      code: 'MEDIA_UNSUPPORTED',
      message: 'the miner does not decode the codec qtrle of the video',
    });
  });

  it('a clip with sound only is refused', async () => {
    const sound = ['-f', 'lavfi', '-i', 'sine=duration=0.2', '-map', '1:a', '-c:a', 'aac'];
    const bytes = await encodeClip(makePixels(SIZE), SIZE, sound);
    await expect(sample(bytes)).rejects.toMatchObject({ code: 'MEDIA_UNSUPPORTED' });
  });

  it('a truncated clip is refused, although ffmpeg alone would succeed', async () => {
    for (const share of [0.5, 0.9, 0.99]) {
      await expect(sample(clip.subarray(0, clip.length * share))).rejects.toMatchObject({
        code: 'MEDIA_UNDECODABLE',
        message: expect.stringContaining('truncated'),
      });
    }
  });

  it('a clip whose index is missing or lies is refused', async () => {
    const noIndex = Buffer.concat([clip.subarray(0, 32), Buffer.alloc(3000, 7)]);
    await expect(sample(noIndex)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    // One byte a sample and 2^26 samples: an index of 1.6 GB in memory.
    const samples = 2 ** 26;
    let lying = patchBox(clip, 'stsz', 4, [1, samples]);
    lying = patchBox(lying, 'stsc', 8, [1, samples, 1]);
    lying = patchBox(lying, 'stts', 8, [samples, 512]);
    await expect(sample(lying)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
  });

  it('a damaged clip is refused, and the error has no paths', async () => {
    const damaged = Buffer.from(clip);
    // Sizes of the units that make up a frame lead each of them; all frames but the first are hit.
    damaged.fill(0xff, clip.length - 2000, clip.length - 1000);
    const refusal = await sample(damaged, { frames: FRAMES }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    expect(String(refusal)).not.toContain(folder);
  });

  it('a clip with frames larger than 8K is refused', async () => {
    const options = ['-c:v', 'libx264', '-preset', 'ultrafast', '-vf', 'scale=7680:4322'];
    const huge = await encodeClip(makePixels(SIZE), SIZE, options);
    await expect(sample(huge)).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' });
  });

  it('a clip is refused if its wanted pixels do not fit in memory', async () => {
    await expect(
      sample(clip, { frames: 64, fit: { mode: 'stretch', width: 2000, height: 2000 } }),
    ).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' });
  });

  it('a clip whose frames change their size is refused', async () => {
    const lossless = ['-c:v', 'libx264rgb', '-crf', '0', '-f', 'h264'];
    const parts = await Promise.all(
      [SIZE, { ...SIZE, width: 25, height: 33 }].map((size) => {
        const three = Buffer.concat([0, 1, 2].map((frame) => makePixels(size, frame)));
        return encodeClip(three, size, lossless, 'h264');
      }),
    );
    const stream = join(folder, 'stream.h264');
    const joined = join(folder, 'joined.mp4');
    await writeFile(stream, Buffer.concat(parts));
    await run('ffmpeg', [
      '-nostdin',
      '-v',
      'error',
      '-y',
      '-f',
      'h264',
      '-i',
      stream,
      '-c',
      'copy',
      '-tag:v',
      'avc3',
      joined,
    ]);
    // Two frames of these six would come out without a complaint, the second of another size and place.
    for (const frames of [2, 6]) {
      await expect(sample(await readFile(joined), { frames })).rejects.toMatchObject({
        code: 'MEDIA_UNDECODABLE',
      });
    }
  });
});

describe('the decoder processes', () => {
  it('the decoder processes follow no reference to another file', async () => {
    const target = join(folder, 'target.mp4');
    await writeFile(target, clip);
    const referring = referringTo(clip, target);
    const file = join(folder, 'referring.mov');
    await writeFile(file, referring);
    // The reference works if it is allowed, so the refusal below has the right reason.
    const allowed = ['-enable_drefs', '1', '-use_absolute_path', '1', '-f', 'mov', '-i', file];
    const { stdout } = await run(
      'ffmpeg',
      ['-v', 'error', ...allowed, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
      {
        encoding: 'buffer',
      },
    );
    expect(stdout.subarray(0, 33 * 25 * 3).equals(makePixels(SIZE, 0))).toBe(true);
    await expect(sample(referring)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
  });

  it('an aborted signal kills the decoder processes, and the caller gets its reason', async () => {
    const long = await makeClip({ width: 640, height: 360, frames: 24, seed: 5, noise: 40 });
    for (const delayMs of [0, 60, 350]) {
      const controller = new AbortController();
      const reason = new Error('too late');
      const sampling = sample(long, { frames: 24, signal: controller.signal });
      setTimeout(() => controller.abort(reason), delayMs);
      await expect(sampling).rejects.toBe(reason);
      expect(await childrenLeft()).toEqual([]);
    }
    const timedOut = sample(long, { frames: 24, timeLimitMs: 300 });
    await expect(timedOut).rejects.toMatchObject({ code: 'MEDIA_TIMEOUT' });
    expect(await childrenLeft()).toEqual([]);
  });

  it('the error names a decoder program that is not installed', async () => {
    const { stdout: prlimit } = await run('sh', ['-c', 'command -v prlimit']);
    const tools = await mkdtemp(join(folder, 'tools-'));
    process.env.PATH = tools;
    await expect(sample(clip)).rejects.toMatchObject({
      code: 'MEDIA_DECODER_MISSING',
      message: 'prlimit is not on the PATH',
    });
    await symlink(prlimit.trim(), join(tools, 'prlimit'));
    await expect(sample(clip)).rejects.toMatchObject({
      code: 'MEDIA_DECODER_MISSING',
      message: 'ffprobe is not on the PATH',
    });
  });

  it('the decoder processes leave the event loop free', async () => {
    const long = await makeClip({ width: 640, height: 360, frames: 12, seed: 5 });
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await sample(long, { frames: 12 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
  });
});

/** The clip with its data reference pointing at another file by a QuickTime alias, and its own picture data blanked. */
function referringTo(original: Buffer, target: string): Buffer {
  const dref = original.indexOf('dref', 0, 'latin1') - 4;
  const drefEnd = dref + original.readUInt32BE(dref);
  const alias = aliasEntry(target);
  const header = Buffer.from(original.subarray(dref, dref + 16));
  header.writeUInt32BE(16 + alias.length, 0);
  const grown = Buffer.concat([original.subarray(0, dref), header, alias, original.subarray(drefEnd)]);
  const added = 16 + alias.length - (drefEnd - dref);
  for (const box of ['moov', 'trak', 'mdia', 'minf', 'dinf']) {
    const at = original.indexOf(box, 0, 'latin1') - 4;
    grown.writeUInt32BE(grown.readUInt32BE(at) + added, at);
  }
  // Chunk offsets stay as they were: they are those of the target.
  return grown.fill(0, grown.indexOf('mdat', 0, 'latin1') + 4);
}

/** An `alis` entry: fixed parts that ffmpeg skips, then the absolute path as item 2 and an end mark. */
function aliasEntry(target: string): Buffer {
  const fixed = Buffer.alloc(150);
  const name = Buffer.from(target, 'latin1');
  const items = Buffer.alloc(8 + name.length + (name.length % 2));
  items.writeInt16BE(2, 0);
  items.writeInt16BE(name.length, 2);
  name.copy(items, 4);
  items.writeInt16BE(-1, items.length - 4);
  const head = Buffer.alloc(12);
  head.writeUInt32BE(12 + fixed.length + items.length, 0);
  head.write('alis', 4, 'latin1');
  return Buffer.concat([head, fixed, items]);
}
