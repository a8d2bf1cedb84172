import { describe, expect, it } from 'vitest';
import { decodeFloat16 } from '../../../src/inference/child/float16.ts';
import { sigmoid } from '../../../src/inference/child/probabilities.ts';
import {
  INPUT_TYPES,
  type InputType,
  LAYOUTS,
  type Layout,
  type ModelJson,
} from '../../../src/inference/contract/model-json.ts';
import type { RgbFrames } from '../../../src/media/frames.ts';
import { lasting, patterned, softmax, useEngines } from '../harness.ts';
import { positionWeight, weightedMask, weightedMeans, writeModel } from '../models.ts';

/**
 * Models whose numbers depend on where each sample of each channel went and on how it was scaled, through a real process
 * with ONNX Runtime: all that a contract can say of input and output, each with each.
 */

const engines = useEngines();
const [HEIGHT, WIDTH, FRAMES] = [5, 4, 2];
type Triple = [number, number, number];
const SCALING = { scale: 1 / 128, mean: [0.5, 0.25, 0.125] as Triple, std: [1, 2, 4] as Triple };
/** No sample of it is negative, and so none of a mask. */
const POSITIVE = { ...SCALING, mean: [-0.5, -0.25, -0.125] as Triple };
/** To be told apart: with it, no two numbers of a row below are close. */
const MATRIX_2 = [1, 0, -0.5, 1, 0.25, 0.5];
const MATRIX_1 = [1, -1, 0.5];

interface OutputCase {
  readonly name: string;
  readonly matrix?: readonly number[];
  readonly softmax?: boolean;
  readonly outputType?: 'float16';
  readonly output?: ModelJson['output'];
  /** From the weighted means of R, G and B to the answer. */
  expected(means: readonly number[]): readonly number[];
}

const times = (means: readonly number[], matrix: readonly number[]): number[] => {
  const outputs = matrix.length / 3;
  return Array.from({ length: outputs }, (_, column) =>
    means.reduce((sum, mean, row) => sum + mean * (matrix[row * outputs + column] ?? 0), 0),
  );
};
const pick = (values: readonly number[], ...order: number[]) => order.map((index) => values[index] ?? 0);

const OUTPUTS: readonly OutputCase[] = [
  { name: 'three logits', expected: (means) => softmax(means) },
  {
    name: 'three logits, semisynthetic second',
    output: { classes: ['real', 'semisynthetic', 'synthetic'] },
    expected: (means) => pick(softmax(means), 0, 2, 1),
  },
  {
    name: 'three logits of a temperature',
    output: { temperature: 2.5 },
    expected: (means) => softmax(means.map((mean) => mean / 2.5)),
  },
  {
    name: 'three probabilities, real last',
    softmax: true,
    output: { kind: 'probabilities', classes: ['synthetic', 'semisynthetic', 'real'] },
    expected: (means) => pick(softmax(means), 2, 0, 1),
  },
  { name: 'two logits', matrix: MATRIX_2, expected: (means) => [...softmax(times(means, MATRIX_2)), 0] },
  {
    name: 'two float16 probabilities, fake first',
    matrix: MATRIX_2,
    softmax: true,
    outputType: 'float16',
    output: { kind: 'probabilities', classes: ['fake', 'real'] },
    expected: (means) => [...softmax(times(means, MATRIX_2)).reverse(), 0],
  },
  {
    name: 'one sigmoid',
    matrix: MATRIX_1,
    output: { kind: 'sigmoid' },
    expected: (means) => {
      const fake = sigmoid(times(means, MATRIX_1)[0] ?? 0);
      return [1 - fake, fake, 0];
    },
  },
  {
    name: 'one float16 sigmoid for real',
    matrix: MATRIX_1,
    outputType: 'float16',
    output: { kind: 'sigmoid', classes: ['real'] },
    expected: (means) => {
      const real = sigmoid(times(means, MATRIX_1)[0] ?? 0);
      return [real, 1 - real, 0];
    },
  },
];

/** Half precision is good for three digits. */
const digitsOf = (dtype: InputType, outputType?: string): number =>
  dtype === 'float16' || outputType === 'float16' ? 2 : 5;

function scaled(dtype: InputType, pixel: number, channel: number, { scale, mean, std } = SCALING): number {
  if (dtype === 'uint8') return pixel / 64;
  return (pixel * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
}

function expectedMeans(dtype: InputType, { data, count, height, width }: RgbFrames): number[] {
  const sums = [0, 0, 0];
  data.forEach((pixel, index) => {
    const [channel, place] = [index % 3, Math.floor(index / 3)];
    const [frame, row] = [Math.floor(place / (height * width)), Math.floor(place / width) % height];
    sums[channel] =
      (sums[channel] ?? 0) + scaled(dtype, pixel, channel) * positionWeight(frame, row, place % width);
  });
  return sums.map((sum) => sum / (count * height * width));
}

/** What is dynamic in the ONNX file is said in model.json. */
function inputJson(
  dtype: InputType,
  layout: Layout,
  dynamic: boolean,
  scaling = SCALING,
): NonNullable<ModelJson['input']> {
  return {
    layout,
    ...(dtype === 'uint8' ? {} : scaling),
    ...(dynamic ? { size: { height: HEIGHT, width: WIDTH } } : {}),
    ...(dynamic && layout.includes('T') ? { frames: FRAMES } : {}),
  };
}

async function ask(folder: string, frames: RgbFrames): Promise<readonly number[]> {
  const engine = engines.open(frames.count === 1 ? 'image' : 'video', folder);
  await engine.ready();
  const request = { frames, contentHash: 'any', sourceSize: frames };
  const prediction = await engine.infer(request, lasting());
  if (prediction.kind !== 'probabilities') throw new Error('no probabilities');
  return prediction.values;
}

const framesFor = (layout: Layout): RgbFrames => patterned(layout.includes('T') ? FRAMES : 1, HEIGHT, WIDTH);

describe.each(LAYOUTS)('a detector of %s', (layout) => {
  describe.each(INPUT_TYPES)('and %s', (dtype) => {
    it.each(OUTPUTS.map((output, index) => [output.name, output, index % 2 === 1] as const))(
      'with %s answers right',
      async (_, { matrix, softmax: activated, outputType, output, expected }, dynamic) => {
        const frames = framesFor(layout);
        const onnx = weightedMeans({
          ...{ layout, dtype, frames: frames.count, height: HEIGHT, width: WIDTH },
          dynamic: dynamic ? 'NTCHW' : '',
          gain: dtype === 'uint8' ? 1 / 64 : 1,
          ...(matrix === undefined ? {} : { matrix }),
          ...(activated === undefined ? {} : { softmax: activated }),
          ...(outputType === undefined ? {} : { outputType }),
        });
        const json = {
          input: inputJson(dtype, layout, dynamic),
          ...(output === undefined ? {} : { output }),
        };

        const answer = await ask(writeModel(engines.root, 'model', onnx, json), frames);

        const digits = digitsOf(dtype, outputType);
        expect(answer).toEqual(
          expected(expectedMeans(dtype, frames)).map((value) => expect.closeTo(value, digits)),
        );
      },
    );
  });
});

const MASKS = [
  { form: '1HW', activation: 'none' },
  { form: '11HW', activation: 'sigmoid' },
  { form: '1HW1', activation: 'none' },
  { form: '12HW', activation: 'softmax' },
  { form: '1HW2', activation: 'softmax' },
] as const;

describe.each(['NCHW', 'NHWC'] as const)('a segmenter of %s', (layout) => {
  describe.each(INPUT_TYPES)('and %s', (dtype) => {
    it.each(MASKS.map((mask, index) => [mask.form, mask.activation, index % 2 === 1] as const))(
      'with a mask of %s and activation %s answers right',
      async (form, activation, dynamic) => {
        // The weighted sum of a place is 0 to 28 in bytes and 0.9 to 6.9 in floats.
        const gain = (activation === 'none' ? 0.9 : 4) / (dtype === 'uint8' ? 28 : 7);
        const outputType = dynamic ? 'float16' : 'float32';
        const shape = { layout, dtype, height: HEIGHT, width: WIDTH, dynamic: dynamic ? 'NCHW' : '' };
        const onnx = weightedMask({
          ...shape,
          gain: dtype === 'uint8' ? gain / 64 : gain,
          form,
          outputType,
        });
        const json: ModelJson = {
          input: inputJson(dtype, layout, dynamic, POSITIVE),
          output: { maskActivation: activation, mask: 'soft' },
        };
        const engine = engines.open('mask', writeModel(engines.root, 'model', onnx, json));
        await engine.ready();
        const frames = patterned(1, HEIGHT, WIDTH);
        const prediction = await engine.infer({ frames, contentHash: 'any', sourceSize: frames }, lasting());
        const bytes = prediction.kind === 'mask' ? prediction.float16le : Buffer.alloc(0);
        const values = Array.from({ length: bytes.length / 2 }, (_, index) =>
          decodeFloat16(bytes.readUInt16LE(index * 2)),
        );
        const expected = Array.from({ length: HEIGHT * WIDTH }, (_, place) => {
          const sample = (channel: number) =>
            scaled(dtype, frames.data[place * 3 + channel] ?? 0, channel, POSITIVE);
          const value = gain * (sample(0) + 2 * sample(1) + 4 * sample(2));
          return activation === 'none' ? value : sigmoid(activation === 'sigmoid' ? value : value / 2);
        });
        expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.2);
        expect(values).toEqual(expected.map((value) => expect.closeTo(value, 2)));
      },
    );
  });
});

describe('a wrong model.json', () => {
  const frames = patterned(1, HEIGHT, WIDTH);
  const onnx = (layout: Layout) =>
    weightedMeans({ layout, dtype: 'float32', height: HEIGHT, width: WIDTH, dynamic: 'NCHW' });
  const size = { height: HEIGHT, width: WIDTH };
  const right = { layout: 'NCHW', size, ...SCALING } satisfies ModelJson['input'];

  it.each([
    ['the mean in the order of B, G, R', { mean: SCALING.mean.toReversed() }],
    ['the standard deviation in the order of B, G, R', { std: SCALING.std.toReversed() }],
    ['no mean', { mean: undefined }],
    ['another scale', { scale: 1 / 255 }],
  ] as const)('%s gives another answer', async (_, wrong) => {
    const input = JSON.parse(JSON.stringify({ ...right, ...wrong })) as ModelJson['input'];
    const folder = writeModel(engines.root, 'model', onnx('NCHW'), { input });
    const answer = await ask(folder, frames);
    const expected = softmax(expectedMeans('float32', frames));
    expect(
      Math.max(...answer.map((value, index) => Math.abs(value - (expected[index] ?? 0)))),
    ).toBeGreaterThan(0.02);
  });

  it('another layout gives another answer', async () => {
    // Of 3 × 3 × 3 samples each layout is possible.
    const square = patterned(1, 3, 3);
    const model = weightedMeans({ layout: 'NHWC', dtype: 'float32', height: 3, width: 3, dynamic: 'N' });
    const answers = await Promise.all(
      (['NHWC', 'NCHW'] as const).map((layout) =>
        ask(writeModel(engines.root, layout, model, { input: { layout, ...SCALING } }), square),
      ),
    );
    const [real, mistaken] = answers;
    const expected = softmax(expectedMeans('float32', square));
    expect(real).toEqual(expected.map((value) => expect.closeTo(value, 5)));
    expect(Math.abs((mistaken?.[0] ?? 0) - (real?.[0] ?? 0))).toBeGreaterThan(0.02);
  });
});
