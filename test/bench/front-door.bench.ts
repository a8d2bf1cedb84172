import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startMiner } from '../fixtures/miner.ts';
import { call, createValidator } from '../fixtures/validator.ts';
import { printFigures, timed } from './figures.ts';

const CALLS = 200;

let running: RunningMiner;
let alice: ReturnType<typeof createValidator>;

beforeAll(async () => {
  running = await startMiner();
  alice = createValidator('//Alice');
});
afterAll(() => running.close());

/** Milliseconds of each of many calls of the open route, one after the other, on new connections. */
async function openRoute(whileTrue: () => boolean = () => true): Promise<number[]> {
  const times: number[] = [];
  while (times.length < CALLS && whileTrue()) {
    times.push(await timed(async () => expect((await call(running.port, '/')).status).toBe(200)));
  }
  return times;
}

it('GET / while two clips are decoded and inferred, against idle', async () => {
  const clip = await makeClip({ width: 1280, height: 720, frames: 54, seed: 1, noise: 1 });
  const idle = await openRoute();
  let open = 2;
  const clips = [0, 1].map(async () => {
    const { status } = await alice.post(running.port, '/detect_video', clip);
    open--;
    return status;
  });
  const busy = await openRoute(() => open > 0);
  expect(await Promise.all(clips)).toEqual([200, 200]);
  printFigures(`GET / (clips of ${(clip.length / 1e6).toFixed(1)} MB)`, { idle, busy });
});

/** Milliseconds of each of `count` signed requests, one after the other. */
async function signed(count: number, ask: () => ReturnType<typeof call>): Promise<number[]> {
  const times: number[] = [];
  while (times.length < count) times.push(await timed(async () => expect((await ask()).status).toBe(200)));
  return times;
}

it('signed requests from the first byte to the answer', async () => {
  const jpeg = await makeJpeg({ width: 1024, height: 768, seed: 1 });
  const clip = await makeClip({ width: 320, height: 240, frames: 24, seed: 1 });
  printFigures('signed request', {
    'GET /miner_info': await signed(50, () => alice.get(running.port, '/miner_info')),
    'image 1024 × 768': await signed(50, () => alice.post(running.port, '/detect_image', jpeg)),
    'clip 320 × 240 × 24': await signed(20, () => alice.post(running.port, '/detect_video', clip)),
  });
});
