import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startMiner } from '../fixtures/miner.ts';
import { createValidator } from '../fixtures/validator.ts';

let running: RunningMiner;
let alice: ReturnType<typeof createValidator>;

beforeAll(async () => {
  running = await startMiner({ env: { MINER_TYPE: 'segmenter' } });
  alice = createValidator('//Alice');
}, 60_000);
afterAll(() => running.close());

const FLOAT16_ONE = 0x3c00;

describe('a segmenter', () => {
  it('a segmenter tells its type', async () => {
    expect((await alice.get(running.port, '/miner_info')).json()).toMatchObject({ miner_type: 'SEGMENTER' });
  });

  it.each([
    [64, 48],
    [33, 257],
    [1024, 768],
    [1, 1],
  ])(
    'a segmenter answers a picture of %i × %i with a hard float16 mask of its size',
    async (width, height) => {
      const answer = await alice.post(
        running.port,
        '/segment_image',
        await makeJpeg({ width, height, seed: 5 }),
      );
      expect(answer.status).toBe(200);
      expect(answer.headers['x-mask-shape']).toBe(`${height},${width}`);
      expect(answer.headers['x-mask-dtype']).toBe('float16');
      expect(answer.headers['content-type']).toBe('application/octet-stream');
      expect(answer.body).toHaveLength(2 * height * width);
      const values = new Set(new Uint16Array(answer.body.buffer, answer.body.byteOffset, height * width));
      for (const value of values) expect([0, FLOAT16_ONE]).toContain(value);
    },
  );

  it.each(['/detect_image', '/detect_video', '/detect_Modality.IMAGE'])(
    'a segmenter does not know %s',
    async (path) => {
      const answer = await alice.post(running.port, path, await makeJpeg({ width: 8, height: 8, seed: 1 }));
      expect([answer.status, answer.json().code]).toEqual([404, 'AXON_NOT_FOUND']);
    },
  );
});
