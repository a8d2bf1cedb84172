import { describe, expect, it } from 'vitest';
import { createDecodingForecast } from '../../../src/media/clips/decoding-forecast.ts';

const inMs = (left: number) => (): number => left;
const CLIP = {
  frames: 24,
  framePixels: 1920 * 1080,
  bytes: 91_000_000,
  threads: 2,
  spentCpuMs: 0,
  remainingMs: inMs(10_000),
};
const lines = (frames: number) => Buffer.from('frame:0    pts:0       pts_time:0\nn=1\n'.repeat(frames));

describe('what is foretold of a clip by its header', () => {
  it.each([
    ['the dearest clip of a challenge', {}],
    ['the longest clip of a challenge', { frames: 144, framePixels: 640 * 480 }],
    ['two minutes of 640 × 480', { frames: 3600, framePixels: 640 * 480 }],
    ['the largest body', { bytes: 192 * 2 ** 20 }],
  ])('a header is accepted for %s', (_, clip) => {
    expect(() => createDecodingForecast({ ...CLIP, ...clip }).assertFeasible()).not.toThrow();
  });

  it('a header with more pixels than the limit is refused', () => {
    const forecast = createDecodingForecast({ ...CLIP, frames: 3600, framePixels: 7680 * 4320, bytes: 1000 });
    expect(() => forecast.assertFeasible()).toThrow(expect.objectContaining({ code: 'MEDIA_TOO_LARGE' }));
  });

  it.each([
    ['pixels', { frames: 600, framePixels: 1920 * 1080, bytes: 1000, remainingMs: inMs(200) }],
    ['bytes', { bytes: 192 * 2 ** 20, remainingMs: inMs(4_000) }],
  ])('a header is refused for more %s than the fastest host decodes in the time left', (_, clip) => {
    const forecast = createDecodingForecast({ ...CLIP, ...clip });
    expect(() => forecast.assertFeasible()).toThrow(expect.objectContaining({ code: 'MEDIA_TIMEOUT' }));
  });
});

describe('what is foretold of a clip by the frames so far', () => {
  it.each([0, 400])('no clip is given up in its first CPU-second, %i ms of it before', (spentCpuMs) => {
    const forecast = createDecodingForecast({ ...CLIP, frames: 3600, spentCpuMs });
    expect(() => forecast.assertHopeful(999 - spentCpuMs)).not.toThrow();
    expect(() => forecast.assertHopeful(1000 - spentCpuMs)).toThrow(
      expect.objectContaining({ code: 'MEDIA_TIMEOUT' }),
    );
  });

  it.each([
    ['a second, a third less than so far', 1_000, 1_500],
    ['1.35 s, a fifth less', 1_350, 1_250],
    ['1.7 s, as much as so far', 1_700, 1_000],
    ['5 s, as much as so far', 5_000, 1_000],
  ])('a clip goes on if the rest can be decoded in time: after %s', (_, cpuMs, affordable) => {
    // 50 of 100 frames are begun or done: the rest takes as long as the first half.
    const hope = (share: number) => () => {
      const remainingMs = inMs((cpuMs / affordable) * 1000 * share);
      const forecast = createDecodingForecast({ ...CLIP, frames: 100, threads: 1, remainingMs });
      forecast.onProgress(lines(48));
      forecast.assertHopeful(cpuMs);
    };
    expect(hope(1.001)).not.toThrow();
    expect(hope(0.999)).toThrow(expect.objectContaining({ code: 'MEDIA_TIMEOUT' }));
  });

  it('a clip is not given up at its last frame', () => {
    const forecast = createDecodingForecast({ ...CLIP, remainingMs: inMs(1) });
    forecast.onProgress(lines(24));
    expect(() => forecast.assertHopeful(60_000)).not.toThrow();
  });
});
