import { describe, expect, it } from 'vitest';
import {
  burstSentence,
  decodedShareOf,
  judgeBurst,
  type MachineCosts,
  timeAlone,
} from '../../../src/inspect/measure/burst.ts';

const machine: MachineCosts = {
  cores: 4,
  verifyMs: 5,
  hashMsPerMb: 1,
  pictureMs: 40,
  pictureMb: 1,
  clipProbeMs: 200,
  clipMsPerMb: 130,
};
const segmenter = { task: 'mask', provider: 'cpu', answerMs: 50, decodedShare: 1 } as const;
const clips = { task: 'video', provider: 'cpu', answerMs: 100, decodedShare: 1 } as const;

describe('a burst', () => {
  it('a burst for a segmenter is twenty pictures, whose costs add up', () => {
    const burst = judgeBurst(machine, segmenter, 17.5);
    expect(burst).toMatchObject({ pictures: 20, clips: 0, requests: 20, kind: 'pictures', clipMb: 0 });
    // 20 MB at 1 Gbit/s; 20 signatures and 20 MB hashed; 20 × 40 ms on 4 cores; 20 × 50 ms; the way back.
    expect(burst).toMatchObject({ uploadMs: 160, verifyMs: 120, decodeMs: 200, modelMs: 1000, replyMs: 400 });
    expect(burst).toMatchObject({ totalMs: 1880, limitMs: 11_000, marginMs: 9120, answeredInTime: 20 });
    expect(burstSentence(burst, machine)).toBe('fits: a burst of 20 uses 1.9 of 11 s, 9.1 s to spare');
  });

  it('clips are decoded on all cores, with the pictures of the same burst', () => {
    const burst = judgeBurst(machine, clips, 17.5);
    expect(burst).toMatchObject({ pictures: 10, clips: 10, requests: 10, kind: 'clips' });
    expect(burst.decodeMs).toBe((10 * 40 + 10 * (200 + 17.5 * 130)) / 4);
    expect(burst.totalMs).toBeCloseTo(1480 + 285 + 6287.5 + 1000 + 400);
    expect(burstSentence(burst, machine)).toBe(
      'fits: its 10 clips in a burst of 20 with clips of 17.5 MB use 9.5 of 11 s, 1.5 s to spare',
    );
  });

  it('pictures for a detector have half of the machine, since clips take the other half', () => {
    const burst = judgeBurst(machine, { ...segmenter, task: 'image' }, 17.5);
    expect(burst).toMatchObject({ requests: 10, kind: 'pictures', decodeMs: 200, modelMs: 1000 });
    const onGpu = judgeBurst(machine, { ...segmenter, task: 'image', provider: 'cuda' }, 17.5);
    expect(onGpu.modelMs).toBe(500);
  });

  it('a burst that is too much says how many requests are answered in time, and how much more speed it needs', () => {
    const small = { ...machine, cores: 2 };
    const burst = judgeBurst(small, clips, 17.5);
    // 11 s less the upload, the checks and the way back leave 8835 ms; each clip takes 1357.5.
    expect(burst.answeredInTime).toBe(6);
    expect(burst.marginMs).toBeLessThan(0);
    expect(burst.speedNeeded).toBeCloseTo(13_860 / 9120);
    expect(burstSentence(burst, small)).toBe(
      'does not fit: of its 10 clips in a burst of 20 with clips of 17.5 MB, 6 are answered in time; ' +
        "all of them need about 1.5 times this machine's speed (some 4 such cores); " +
        'a GPU would not help, since it is the decoding that takes the time',
    );
  });

  it('a machine with the speed that a burst needs answers it just in time', () => {
    const small = { ...machine, cores: 2 };
    const { speedNeeded } = judgeBurst(small, clips, 17.5);
    const faster = {
      ...small,
      verifyMs: small.verifyMs / speedNeeded,
      hashMsPerMb: small.hashMsPerMb / speedNeeded,
      pictureMs: small.pictureMs / speedNeeded,
      clipProbeMs: small.clipProbeMs / speedNeeded,
      clipMsPerMb: small.clipMsPerMb / speedNeeded,
    };
    const burst = judgeBurst(faster, { ...clips, answerMs: clips.answerMs / speedNeeded }, 17.5);
    expect(burst.totalMs).toBeCloseTo(burst.limitMs);
  });

  it('a burst that is late because of the model needs a GPU, which works while others are decoded', () => {
    const slow = judgeBurst(machine, { ...segmenter, answerMs: 2000 }, 17.5);
    expect(slow.answeredInTime).toBe(5);
    expect(burstSentence(slow, machine)).toMatch(/, or a GPU$/);
    const onGpu = judgeBurst(machine, { ...segmenter, provider: 'cuda', answerMs: 20 }, 17.5);
    expect(onGpu.totalMs).toBe(160 + 120 + 400 + 400);
  });

  it('a burst with a slow model and slow clips needs a GPU and faster decoding', () => {
    const burst = judgeBurst(machine, { ...clips, answerMs: 4000 }, 66);
    expect(burstSentence(burst, machine)).toMatch(/, or a GPU and 4\.\d times its speed for the decoding$/);
  });
});

it('one request alone has the decoder to itself', () => {
  expect(timeAlone(machine, segmenter, 17.5)).toBe(8 + 5 + 1 + 40 + 50 + 400);
  expect(timeAlone(machine, clips, 17.5)).toBe(140 + 5 + 17.5 + 200 + (17.5 * 130) / 4 + 100 + 400);
});

it('for a model that looks at the first frames, only those are decoded', () => {
  expect(decodedShareOf({ frames: 16, frameStride: 'even' })).toBe(1);
  expect(decodedShareOf({ frames: 12, frameStride: 1 })).toBe(0.5);
  expect(decodedShareOf({ frames: 16, frameStride: 4 })).toBe(1);
  const burst = judgeBurst(machine, { ...clips, decodedShare: 0.5 }, 17.5);
  expect(burst.decodeMs).toBe((10 * 40 + 10 * (200 + 17.5 * 0.5 * 130)) / 4);
});
