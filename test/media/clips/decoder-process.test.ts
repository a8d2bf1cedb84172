import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sampleVideo } from '../../../src/media/clips/video.ts';
import { inputOptions } from '../../../src/media/clips/video-input.ts';
import { DECODER_MEMORY_LIMIT_BYTES } from '../../../src/media/limits.ts';
import { encodeClip, makeClip, makePixels } from '../../fixtures/media.ts';
import { until } from '../../fixtures/until.ts';

const run = promisify(execFile);
const SIZE = { width: 33, height: 25, seed: 3 };
const PROGRAMS = ['ffprobe', 'ffmpeg'] as const;
const path = process.env.PATH;

let root: string;
/** First on the PATH. */
let tools: string;
let file: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'decoder-process-test-'));
  file = join(root, 'clip.mp4');
  await writeFile(file, await makeClip({ ...SIZE, frames: 4 }));
});

beforeEach(async () => {
  tools = await mkdtemp(join(root, 'tools-'));
  process.env.PATH = `${tools}:${path}`;
  file = join(root, 'clip.mp4');
});

afterEach(() => {
  process.env.PATH = path;
  delete process.env.WALLET_PASSWORD;
});

afterAll(() => rm(root, { recursive: true }));

const sample = (options: Partial<Parameters<typeof sampleVideo>[1]> = {}) =>
  sampleVideo(file, {
    frames: 2,
    fit: { mode: 'native' },
    signal: new AbortController().signal,
    timeLimitMs: 20_000,
    ...options,
  });

async function pathOf(program: string): Promise<string> {
  return (await run('sh', ['-c', `command -v ${program}`], { env: { PATH: path } })).stdout.trim();
}

/** Puts a shell script in the place of a program. */
async function replace(program: string, script: string): Promise<void> {
  await writeFile(join(tools, program), `#!/bin/sh\n${script}\n`);
  await chmod(join(tools, program), 0o700);
}

/** Lets both programs note how they were started, and then do their work. */
async function noteStarts(): Promise<void> {
  for (const program of PROGRAMS) {
    const note = ['limits', 'environ', 'cmdline'].map(
      (name) => `cat /proc/$$/${name} >${tools}/${program}.${name}`,
    );
    await replace(program, [...note, `exec ${await pathOf(program)} "$@"`].join('\n'));
  }
}

async function noted(program: string, name: string): Promise<string> {
  return readFile(join(tools, `${program}.${name}`), 'utf8');
}

const isThere = (name: string) =>
  access(name).then(
    () => true,
    () => false,
  );

describe('a decoder process', () => {
  it.each(PROGRAMS)(
    'a decoder process has limits of memory and CPU time from the kernel, and leaves no core file: %s',
    async (program) => {
      await noteStarts();
      await sample({ timeLimitMs: 20_000, threads: 3 });
      const limits = await noted(program, 'limits');
      const of = (name: string) => new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(limits)?.slice(1);
      const cpuS = program === 'ffprobe' ? '2' : '62';
      expect(of('Max data size')).toEqual([`${DECODER_MEMORY_LIMIT_BYTES}`, `${DECODER_MEMORY_LIMIT_BYTES}`]);
      expect(of('Max cpu time')).toEqual([cpuS, cpuS]);
      expect(of('Max core file size')).toEqual(['0', '0']);
    },
  );

  it.each(PROGRAMS)('a decoder process gets only PATH and a language: %s', async (program) => {
    process.env.WALLET_PASSWORD = 'the password of the hotkey';
    await noteStarts();
    await sample();
    const environment = (await noted(program, 'environ')).split('\0').filter((entry) => entry !== '');
    expect(environment.sort()).toEqual(['LC_ALL=C', `PATH=${tools}:${path}`]);
  });

  it.each(PROGRAMS)('a decoder process gets its limits before the name of the file: %s', async (program) => {
    await noteStarts();
    await sample();
    const args = (await noted(program, 'cmdline')).split('\0');
    const before = args.slice(0, args.indexOf('-i')).join(' ');
    expect(before).toContain(inputOptions().join(' '));
  });

  it('an aborted decoder process is gone when its promise settles', async () => {
    for (const program of PROGRAMS) {
      const pidFile = join(tools, `${program}.pid`);
      await replace(program, `echo $$ >${pidFile}.new && mv ${pidFile}.new ${pidFile}\nexec sleep 600`);
      const stop = new AbortController();
      const sampling = sample({ signal: stop.signal });
      sampling.catch(() => {});
      await until(() => isThere(pidFile));
      const pid = (await readFile(pidFile, 'utf8')).trim();
      stop.abort(new Error('too late'));
      await expect(sampling).rejects.toThrow('too late');
      expect(await isThere(`/proc/${pid}`)).toBe(false);
      await rm(join(tools, program));
    }
  });

  it('a decoder process is killed as soon as its frames show that it would be late', async () => {
    const pidFile = join(tools, 'pid');
    file = join(root, 'long.mp4');
    await writeFile(file, await makeClip({ width: 16, height: 16, seed: 2, frames: 256 }));
    // A frame, and then as much CPU time as it is given.
    await replace('ffmpeg', `echo $$ >${pidFile}\nprintf 'frame:0\\nn=1\\n' >&3\nwhile :; do :; done`);
    await expect(sample({ timeLimitMs: 20_000 })).rejects.toMatchObject({
      code: 'MEDIA_TIMEOUT',
      message: expect.stringMatching(/^the video needs [\d.]+ s more of CPU time/),
    });
    expect(await isThere(`/proc/${(await readFile(pidFile, 'utf8')).trim()}`)).toBe(false);
  });

  it('a decoder process that gives too many frames is not believed', async () => {
    const bytes = 3 * SIZE.width * SIZE.height * 3;
    await replace('ffmpeg', `exec head -c ${bytes} /dev/zero`);
    await expect(sample()).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: 'the video decodes to more than was asked for',
    });
  });

  it('a decoder process that gives too few frames and exits with 0 is not believed', async () => {
    await replace('ffmpeg', `exec head -c ${SIZE.width * SIZE.height * 3} /dev/zero`);
    await expect(sample()).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: 'the video is truncated: only 1 of the 2 wanted frames could be decoded',
    });
  });

  it('a decoder process with endless output is killed', async () => {
    await replace('ffprobe', 'exec cat /dev/zero');
    await expect(sample()).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: 'the video has too many parts',
    });
  });

  it('a clip with fewer frames than its index names is truncated', async () => {
    await replace(
      'ffprobe',
      `echo '{"streams":[{"width":33,"height":25,"nb_frames":"5","nb_read_packets":"4"}]}'`,
    );
    await expect(sample()).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: 'the video is truncated: its index names 5 frames and the file holds 4',
    });
  });

  it('a decoder process is killed at the time limit of its clip', async () => {
    await replace('ffprobe', 'exec sleep 20');
    await expect(sample({ timeLimitMs: 200 })).rejects.toMatchObject({ code: 'MEDIA_TIMEOUT' });
  });

  it('a decoder process that has used its CPU time is killed before the kernel does it, and the error says so', async () => {
    await replace('ffprobe', `while :; do times >${tools}/1; times >${tools}/2; done`);
    await expect(sample()).rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: expect.stringContaining('CPU time to read'),
    });
    // At its end one of the two was being written.
    const usedS = await Promise.all(
      ['1', '2'].map(async (name) => {
        const [, user = 0, system = 0] =
          /^0m([\d.]+)s 0m([\d.]+)s/.exec(await readFile(join(tools, name), 'utf8')) ?? [];
        return Number(user) + Number(system);
      }),
    );
    expect(Math.max(...usedS)).toBeGreaterThan(0.9);
    // The kernel ends it at 2 s.
    expect(Math.max(...usedS)).toBeLessThan(1.9);
  });
});

describe('a clip whose header shows that it is hopeless', () => {
  it('a clip with a hopeless header is refused before a frame is decoded', async () => {
    // Only what reads the header is there.
    for (const program of ['prlimit', 'ffprobe']) await symlink(await pathOf(program), join(tools, program));
    const folder = await mkdtemp(join(root, 'hopeless-'));
    const [one, many] = [join(folder, 'one.mp4'), join(folder, 'many.mp4')];
    const options = ['-c:v', 'libx264', '-preset', 'ultrafast', '-vf', 'scale=7680:4320'];
    await writeFile(one, await encodeClip(Buffer.alloc(16 * 16 * 3), { width: 16, height: 16 }, options));
    await run('ffmpeg', ['-nostdin', '-v', 'error', '-stream_loop', '39', '-i', one, '-c', 'copy', many]);
    process.env.PATH = tools;
    file = many;
    await expect(sample()).rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the video has 1327104000 pixels in the 40 frames to decode; the limit is 1250000000',
    });
  });
});

describe('what ffmpeg is told to read', () => {
  const decode = (input: string, output = '-') =>
    run('ffmpeg', ['-nostdin', '-v', 'error', ...inputOptions(), '-i', input, '-f', 'null', output]);

  it('ffmpeg reads the local file', async () => {
    await expect(decode(`file:${file}`)).resolves.toBeDefined();
  });

  it('ffmpeg reads no other protocol', async () => {
    let requests = 0;
    const clip = await readFile(file);
    const server = createServer((_request, response) => {
      requests += 1;
      response.end(clip);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await expect(decode(`http://127.0.0.1:${port}/clip.mp4`)).rejects.toThrow('not on whitelist');
    expect(requests).toBe(0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('ffmpeg reads only one kind of container', async () => {
    const folder = await mkdtemp(join(root, 'container-'));
    const other = join(folder, 'clip.avi');
    await writeFile(other, await encodeClip(makePixels(SIZE), SIZE, ['-c:v', 'mjpeg'], 'avi'));
    await expect(run('ffmpeg', ['-v', 'error', '-i', other, '-f', 'null', '-'])).resolves.toBeDefined();
    // In the words of this one demuxer: that the file is an AVI was not looked at.
    await expect(decode(`file:${other}`)).rejects.toThrow('[mov,mp4,m4a');
  });

  it('a clip may have 16 streams, and no more', async () => {
    const folder = await mkdtemp(join(root, 'streams-'));
    await mkdir(folder, { recursive: true });
    for (const [streams, refusal] of [
      [16, undefined],
      [17, 'the video has too many streams'],
    ] as const) {
      file = join(folder, `${streams}.mp4`);
      const maps = Array.from({ length: streams }, () => ['-map', '0:v']).flat();
      await run('ffmpeg', [
        '-nostdin',
        '-v',
        'error',
        '-i',
        join(root, 'clip.mp4'),
        ...maps,
        '-c',
        'copy',
        file,
      ]);
      const outcome = await sample().then(
        () => undefined,
        (error: Error) => error.message,
      );
      expect([streams, outcome]).toEqual([streams, refusal]);
    }
  });
});
