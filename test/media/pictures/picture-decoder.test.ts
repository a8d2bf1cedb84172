import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPictureDecoder } from '../../../src/media/pictures/picture-decoder.ts';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { isRunning } from '../../fixtures/is-running.ts';
import { makeJpeg } from '../../fixtures/media.ts';
import { pictureChildren } from '../../fixtures/model-children.ts';
import { makeScannedJpeg } from '../../fixtures/scanned-jpeg.ts';
import { until } from '../../fixtures/until.ts';

const { signal } = new AbortController();
const native = { mode: 'native' } as const;
const asItIs = { fit: native, signal };
const small = makeJpeg({ width: 64, height: 48, seed: 1 });
/** Takes near a second of CPU, and nearly all the memory that there is for pictures. */
const giant = makeScannedJpeg({ width: 9000, height: 9000, scans: 32 });
/** Takes as much memory for less work. */
const quickGiant = makeScannedJpeg({ width: 9000, height: 9000, scans: 2 });

/** A decoder of its own, so that its processes are known, closed after the test. */
async function openDecoder(options: { processes?: number; timeLimitMs?: number } = {}) {
  const log = createCapturingLogger();
  const before = new Set(pictureChildren());
  const decoder = createPictureDecoder({ processes: 1, logger: log.logger, ...options });
  onTestFinished(() => decoder.close());
  const children = () => pictureChildren().filter((pid) => !before.has(pid));
  await decoder.decode(await small, asItIs);
  return { decoder, children, log };
}

const cpuTicks = (pid: number): number => {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  return Number(fields[11]) + Number(fields[12]);
};

/** Resolves once a process is at work. */
async function busy(pid: number): Promise<void> {
  const before = cpuTicks(pid);
  await until(() => cpuTicks(pid) > before + 5);
}

describe('a picture whose answer nobody waits for', () => {
  it('no process works on a cancelled picture, and the next picture gets a new process', async () => {
    const { decoder, children } = await openDecoder();
    const [pid = 0] = children();
    const controller = new AbortController();
    const reason = new Error('too late');
    const decoding = decoder.decode(giant, { fit: native, signal: controller.signal });
    const settled = decoding.catch(() => isRunning(pid));
    await busy(pid);
    controller.abort(reason);
    await expect(decoding).rejects.toBe(reason);
    expect(await settled).toBe(false);
    expect((await decoder.decode(await small, asItIs)).source).toEqual({ height: 48, width: 64 });
    expect(children()).not.toContain(pid);
  });

  it('a picture that is cancelled while it waits is not decoded', async () => {
    const { decoder, children } = await openDecoder();
    const [pid] = children();
    const controller = new AbortController();
    const first = decoder.decode(giant, asItIs);
    const second = decoder.decode(await small, { fit: native, signal: controller.signal });
    const reason = new Error('gone');
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    await first;
    expect(children()).toEqual([pid]);
  });
});

describe('a picture that takes too long', () => {
  it('a picture that takes too long ends with its process, and the next one is answered', async () => {
    const { decoder, children } = await openDecoder({ timeLimitMs: 100 });
    const [pid = 0] = children();
    const decoding = decoder.decode(giant, asItIs);
    const settled = decoding.catch(() => isRunning(pid));
    await expect(decoding).rejects.toMatchObject({
      code: 'MEDIA_TIMEOUT',
      message: 'the image took more than 0.1 s to decode',
    });
    expect(await settled).toBe(false);
    expect((await decoder.decode(await small, asItIs)).frames).toMatchObject({ height: 48, width: 64 });
  });
});

describe('a process that ends during a picture', () => {
  it('a process that ends during a picture fails only that picture', async () => {
    const { decoder, children, log } = await openDecoder({ processes: 2 });
    // Both have started: only decoding takes CPU time from here on.
    await Promise.all([decoder.decode(await small, asItIs), decoder.decode(await small, asItIs)]);
    const decoding = decoder.decode(giant, asItIs);
    const working = new Map(children().map((pid) => [pid, cpuTicks(pid)]));
    let pid = 0;
    await until(() => {
      pid = [...working].find(([each, ticks]) => cpuTicks(each) > ticks + 5)?.[0] ?? 0;
      return pid !== 0;
    });
    const other = decoder.decode(await small, asItIs);
    process.kill(pid, 'SIGSEGV');
    await expect(decoding).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: 'the image cannot be decoded: the process that tried was killed by SIGSEGV',
    });
    expect((await other).source).toEqual({ height: 48, width: 64 });
    expect(log.text()).toContain('was killed by SIGSEGV during a picture');
    await until(() => children().length === 2);
  });

  it('a process that ends without a picture is replaced', async () => {
    const { decoder, children } = await openDecoder();
    const [pid = 0] = children();
    process.kill(pid, 'SIGKILL');
    await until(() => !isRunning(pid));
    expect((await decoder.decode(await small, asItIs)).source).toEqual({ height: 48, width: 64 });
  });
});

describe('memory for pictures', () => {
  it('memory for pictures is shared: two giants are not decoded at once, and a small one does not wait', async () => {
    const { decoder } = await openDecoder({ processes: 2 });
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const picture = await small;
    const first = decoder.decode(giant, asItIs).then(note('giant'));
    // As large by its header, and broken right behind it: it would fail at once.
    const second = decoder.decode(giant.subarray(0, 120), asItIs).catch(note('other giant'));
    const third = decoder.decode(picture, asItIs).then(note('small'));
    await Promise.all([first, second, third]);
    expect(order).toEqual(['small', 'giant', 'other giant']);
  });

  it('the memory of a giant picture is free again after it', async () => {
    const { decoder, children } = await openDecoder();
    const [pid] = children();
    const fit = { mode: 'cover', height: 16, width: 16 } as const;
    for (let count = 0; count < 2; count++) {
      expect((await decoder.decode(quickGiant, { fit, signal })).source).toEqual({
        height: 9000,
        width: 9000,
      });
    }
    expect(children()).toEqual([pid]);
  });
});

describe('the processes that decode pictures', () => {
  it('processes that decode pictures have a memory limit, no core file, and nothing of the environment', async () => {
    process.env.PICTURE_DECODER_TEST_PASSWORD = 'open sesame';
    onTestFinished(() => {
      delete process.env.PICTURE_DECODER_TEST_PASSWORD;
    });
    const { children } = await openDecoder();
    const [pid] = children();
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    expect(limits).toMatch(/^Max core file size +0 +0 /m);
    expect(limits).toMatch(/^Max data size +805306368 +805306368 /m);
    expect(limits).toMatch(/^Max file size +536870912 +536870912 /m);
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((entry) => entry.split('=')[0]);
    expect(names.filter((name) => name !== '').toSorted()).toEqual([
      'LC_ALL',
      'MALLOC_ARENA_MAX',
      'MALLOC_MMAP_THRESHOLD_',
      'MALLOC_TRIM_THRESHOLD_',
      'PATH',
      'UV_THREADPOOL_SIZE',
    ]);
  });

  it('the processes that decode pictures end when the process that started them is killed, even during a picture', async () => {
    const decoder = new URL('../../../dist/media/pictures/picture-decoder.js', import.meta.url);
    const program = `
      import { createPictureDecoder } from ${JSON.stringify(fileURLToPath(decoder))};
      const logger = { error() {}, warn() {} };
      const decoder = createPictureDecoder({ processes: 2, logger });
      const chunks = [];
      for await (const chunk of process.stdin) chunks.push(chunk);
      await decoder.decode(Buffer.concat(chunks), { fit: { mode: 'native' }, signal: new AbortController().signal });
      `;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    parent.stdin.end(giant);
    await until(() => pictureChildren(parent.pid).length === 2);
    const children = pictureChildren(parent.pid);
    const before = new Map(children.map((pid) => [pid, cpuTicks(pid)]));
    await until(() => children.some((pid) => cpuTicks(pid) > (before.get(pid) ?? 0) + 20));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => !children.some(isRunning));
  });

  it('closing the decoder ends its processes, and refuses waiting pictures', async () => {
    const { decoder, children } = await openDecoder();
    const pids = children();
    const pictures = [decoder.decode(giant, asItIs), decoder.decode(await small, asItIs)];
    const outcomes = Promise.allSettled(pictures);
    await decoder.close();
    expect(pids.filter(isRunning)).toEqual([]);
    expect(await outcomes).toMatchObject(
      [1, 2].map(() => ({ status: 'rejected', reason: { code: 'AXON_CLOSING' } })),
    );
    await expect(decoder.decode(await small, asItIs)).rejects.toMatchObject({ code: 'AXON_CLOSING' });
  });

  it('pictures are refused at once if prlimit is not installed', async () => {
    const path = process.env.PATH;
    onTestFinished(() => {
      process.env.PATH = path;
    });
    process.env.PATH = '/nonexistent';
    const { logger } = createCapturingLogger();
    const decoder = createPictureDecoder({ processes: 2, logger });
    onTestFinished(() => decoder.close());
    const missing = { code: 'MEDIA_DECODER_MISSING', message: 'prlimit is not on the PATH' };
    await expect(decoder.decode(await small, asItIs)).rejects.toMatchObject(missing);
    process.env.PATH = path;
    // The decoder tries again, later each time.
    let answer: unknown;
    await until(async () => {
      answer = await decoder.decode(await small, asItIs).catch(() => undefined);
      return answer !== undefined;
    });
    expect(answer).toMatchObject({ source: { height: 48, width: 64 } });
  });
});

describe('pixels', () => {
  it.each([
    ['few', 40, 30],
    ['more than go through a pipe', 700, 500],
    ['more than the shared file keeps', 2000, 1500],
  ])('decoded pixels come back as they are: %s', async (_, width, height) => {
    const { decoder } = await openDecoder();
    for (const seed of [1, 2]) {
      const jpeg = await makeJpeg({ width, height, seed });
      const expected = await sharp(jpeg, { ignoreIcc: true }).raw().toBuffer();
      const { frames } = await decoder.decode(jpeg, asItIs);
      expect(frames).toMatchObject({ count: 1, height, width });
      expect(frames.data.equals(expected)).toBe(true);
    }
  });
});
