import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareDecoding } from './decoding.ts';
import { type Fault, type PassingAnswer, startFaultyProxy } from './faulty-proxy.ts';
import { type RunningMiners, startMiners } from './miners.ts';
import { runPython } from './python.ts';
import { pythonOf } from './python-environments.ts';
import { SEED } from './run-size.ts';

const REQUESTS = 12;
const PICTURES = 40;
/** Where all masks are judged by what they mark: those of smaller pictures only by their form. */
const SMALLEST_EDGE = 64;

/** The same answer with the sum of its probabilities above 1. */
function withSumOff(by: number): Fault {
  return ({ headers, body }) => {
    const answer = JSON.parse(body.toString()) as { prediction: number[] };
    const least = answer.prediction.indexOf(Math.min(...answer.prediction));
    const prediction = answer.prediction.map((value, index) => (index === least ? value + by : value));
    return { headers, body: Buffer.from(JSON.stringify({ ...answer, prediction })) };
  };
}

function bigEndian({ headers, body }: PassingAnswer): PassingAnswer {
  return { headers, body: Buffer.from(body).swap16() };
}

function shapeOf(headers: PassingAnswer['headers']): readonly [height: number, width: number] {
  const [height = 0, width = 0] = (headers['x-mask-shape'] ?? '').split(',').map(Number);
  return [height, width];
}

/** Columns in place of rows, under the shape that a mask of this picture has. */
function columnMajor({ headers, body }: PassingAnswer): PassingAnswer {
  const [height, width] = shapeOf(headers);
  const transposed = Buffer.alloc(body.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      body.copy(
        transposed,
        2 * (column * height + row),
        2 * (row * width + column),
        2 * (row * width + column) + 2,
      );
    }
  }
  return { headers, body: transposed };
}

/** The mask of the transposed picture: its shape says so. */
function transposed(answer: PassingAnswer): PassingAnswer {
  const [height, width] = shapeOf(answer.headers);
  return { ...columnMajor(answer), headers: { ...answer.headers, 'x-mask-shape': `${width},${height}` } };
}

/** Confidences in place of a hard mask, at half the size. */
function softAndSmall({ headers, body }: PassingAnswer): PassingAnswer {
  const [height, width] = shapeOf(headers).map((edge) => Math.ceil(edge / 2)) as [number, number];
  const half = Buffer.alloc(2 * height * width);
  const [, fullWidth] = shapeOf(headers);
  const FLOAT16_09 = 0x3b33;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const marked = body.readUInt16LE(2 * (2 * row * fullWidth + 2 * column)) !== 0;
      half.writeUInt16LE(marked ? FLOAT16_09 : 0, 2 * (row * width + column));
    }
  }
  return { headers: { ...headers, 'x-mask-shape': `${height},${width}` }, body: half };
}

function withoutShape({ headers, body }: PassingAnswer): PassingAnswer {
  const { 'x-mask-shape': _, ...others } = headers;
  return { headers: others, body };
}

const DETECTIONS = ['image', 'organic image', 'video'];
const MASKS = ['mask'];

describe.skipIf(pythonOf('sdk-9').missing)('a validator behind a fault', () => {
  let miners: RunningMiners;
  beforeAll(async () => {
    miners = await startMiners();
  });
  afterAll(() => miners?.close());

  const challenge = (input: Readonly<Record<string, unknown>>) =>
    runPython<{ sent: number; accepted: number; problems: string[] }>('sdk-9', 'challenges.py', {
      ...miners.addresses,
      requests: REQUESTS,
      seed: SEED,
      smallest_edge: SMALLEST_EDGE,
      ...input,
    });

  async function challengeThrough(fault: Fault, kinds: readonly string[]) {
    const { detector, segmenter } = miners.addresses;
    const proxies = await Promise.all([detector, segmenter].map((url) => startFaultyProxy(url, fault)));
    try {
      const [first, second] = proxies;
      return await challenge({ detector: first?.url, segmenter: second?.url, kinds });
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    }
  }

  it.each([
    ['nothing is changed', (answer: PassingAnswer) => answer, [...DETECTIONS, ...MASKS]],
    ['the sum is off by less than the tolerance', withSumOff(5e-7), DETECTIONS],
  ])('accepts all where %s', async (_, fault, kinds) => {
    expect(await challengeThrough(fault, kinds)).toMatchObject({ accepted: REQUESTS, problems: [] });
  });

  it.each([
    ['a sum that is off by 2e-6', withSumOff(2e-6), DETECTIONS, /the sum is 1 \+2\.00e-06/],
    ['a mask in big-endian float16', bigEndian, MASKS, /the mask earns 0\.0/],
    ['a mask in column order', columnMajor, MASKS, /the mask earns 0\.\d/],
    ['a transposed mask', transposed, MASKS, /the mask is \(\d+, \d+\) and the picture/],
    ['soft values at another size', softAndSmall, MASKS, /the mask earns 0\.0/],
    ['a mask without its shape', withoutShape, MASKS, /Missing X-Mask-Shape header/],
  ])('rejects every answer with %s', async (_, fault, kinds, words) => {
    const { accepted, problems } = await challengeThrough(fault, kinds);
    expect(accepted).toBe(0);
    expect(problems).toHaveLength(REQUESTS);
    for (const problem of problems) expect(problem).toMatch(words);
  });

  it('a validator that signs the hash of another body is refused', async () => {
    const { accepted, problems } = await challenge({ wrong_digest: true });
    expect(accepted).toBe(0);
    expect(problems).toHaveLength(REQUESTS);
    for (const problem of problems) expect(problem).toMatch(/HTTP 400 error: .*AXON_SIGNATURE_MISMATCH/);
  });

  it('every picture differs if chroma is upsampled without its neighbours, and no other picture does', async () => {
    const options = { pictures: PICTURES, clips: 0 };
    expect((await compareDecoding({ ...options, upsampling: 'weigh' })).differing).toEqual([]);
    const { compared, differing } = await compareDecoding({ ...options, upsampling: 'repeat' });
    expect([compared, differing.length]).toEqual([PICTURES, PICTURES]);
  });
});
