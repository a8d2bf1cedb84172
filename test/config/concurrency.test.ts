import { expect, it } from 'vitest';
import { concurrencyOn } from '../../src/config/concurrency.ts';

it.each([
  [1, { images: 1, videos: 2, pictureProcesses: 1, clipThreads: 1 }],
  [2, { images: 2, videos: 2, pictureProcesses: 2, clipThreads: 2 }],
  [16, { images: 16, videos: 8, pictureProcesses: 4, clipThreads: 4 }],
])('the cores of a host, here %d, decide how much the miner does at once', (cores, concurrency) => {
  expect(concurrencyOn(cores)).toEqual(concurrency);
});

it('VIDEO_CONCURRENCY sets the number of clips alone', () => {
  expect(concurrencyOn(16, 3)).toEqual({ ...concurrencyOn(16), videos: 3 });
});
