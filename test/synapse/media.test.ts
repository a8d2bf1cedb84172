import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Synapse, SynapseName } from '../../src/synapse/envelope.ts';
import { unwrapMedia } from '../../src/synapse/media.ts';
import { encodeBase85, encodeFrames } from '../fixtures/dendrite.ts';
import { makeJpeg } from '../fixtures/media.ts';

const MIB = 1024 * 1024;
const unwrap = (name: SynapseName, text: string, signal = new AbortController().signal) => {
  const synapse: Synapse = { name, fields: {}, media: Buffer.from(text) };
  return unwrapMedia(synapse, signal);
};
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('the media of an ImageSynapse', () => {
  it.each([0, 1, 2, 2_000_000])(
    'the media of an ImageSynapse is base64 of a file (%i bytes more)',
    async (more) => {
      const file = Buffer.concat([await makeJpeg({ width: 32, height: 24, seed: 1 }), Buffer.alloc(more, 7)]);
      const { pictures, sha256Hex } = await unwrap('ImageSynapse', file.toString('base64'));
      expect(pictures.map(sha256)).toEqual([sha256(file)]);
      expect(sha256Hex).toBe(sha256(file));
    },
  );

  it.each(['AAA', 'A===', 'AA A', 'AAA\u00e9', '%%%%', 'AAAA='])(
    'the media of an ImageSynapse %s is refused',
    async (text) => {
      await expect(unwrap('ImageSynapse', text)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    },
  );

  it('the media of an ImageSynapse may not be missing', async () => {
    await expect(unwrap('ImageSynapse', '')).rejects.toMatchObject({ code: 'MEDIA_UNSUPPORTED' });
  });
});

describe('the media of a VideoSynapse', () => {
  it('the media of a VideoSynapse is base85 of zlib of JPEGs one after the other', async () => {
    const jpegs = await Promise.all([1, 2, 3].map((seed) => makeJpeg({ width: 48, height: 32, seed })));
    const { pictures, sha256Hex } = await unwrap('VideoSynapse', encodeFrames(jpegs));
    expect(pictures.map(sha256)).toEqual(jpegs.map(sha256));
    expect(sha256Hex).toBe(sha256(Buffer.concat(jpegs)));
  });

  it('the media of a VideoSynapse is decoded as far as a clip in a file: 3600 frames', async () => {
    const frames = Array.from({ length: 3_700 }, () => Buffer.from([0xff, 0xd8, 0xff, 0xd9]));
    const { pictures } = await unwrap('VideoSynapse', encodeFrames(frames));
    expect(pictures).toHaveLength(3_600);
  });

  it('the media of a VideoSynapse is refused if it inflates to too many bytes', async () => {
    const bomb = deflateSync(Buffer.alloc(256 * MIB));
    expect(bomb.length).toBeLessThan(MIB);
    await expect(unwrap('VideoSynapse', encodeBase85(bomb))).rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
    });
  });

  it.each([
    ['no base85', '"'],
    ['no zlib', encodeBase85(Buffer.from('not deflated at all'))],
    ['a stream that was cut off', encodeBase85(deflateSync(Buffer.alloc(5_000, 'abc')).subarray(0, 20))],
    ['no JPEGs', encodeBase85(deflateSync(Buffer.from('no pictures')))],
  ])('the media of a VideoSynapse is refused if it is %s', async (_, text) => {
    await expect(unwrap('VideoSynapse', text)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
  });

  it('the media of a VideoSynapse is given up if nobody waits for it', async () => {
    const reason = new Error('gone');
    await expect(unwrap('VideoSynapse', 'VPa!s', AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('the media of a VideoSynapse leaves the event loop to others while it is taken apart', async () => {
    const text = encodeBase85(deflateSync(Buffer.alloc(24 * MIB, Buffer.from([0xff, 0x00])), { level: 0 }));
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    await expect(unwrap('VideoSynapse', text)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    clearInterval(count);
    expect(turns).toBeGreaterThan(10);
  });
});
