import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InputType, Layout, ModelJson } from '../../src/inference/contract/model-json.ts';
import { encodeModel, encodeValues } from '../fixtures/onnx-writer.mjs';

type Graph = Parameters<typeof encodeModel>[0];
type Nodes = Graph['nodes'];
type Constants = NonNullable<Graph['constants']>;

const FLOAT = 1;
const INT64 = 7;
const FLOAT16 = 10;

/** Writes `<root>/<name>/model.onnx` and model.json. @returns the folder */
export function writeModel(root: string, name: string, onnx: Uint8Array, json?: ModelJson): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), onnx);
  if (json !== undefined) writeFileSync(join(folder, 'model.json'), JSON.stringify(json));
  return folder;
}

interface WeightedMeans {
  readonly layout: Layout;
  readonly dtype: InputType;
  readonly frames?: number;
  readonly height: number;
  readonly width: number;
  /** Declares these dimensions of the layout as unknown until the model runs. */
  readonly dynamic?: string;
  readonly gain?: number;
  /** 3 × outputs numbers that the three means are multiplied with; the identity by default. */
  readonly matrix?: readonly number[];
  /** Gives the softmax of the numbers. */
  readonly softmax?: boolean;
  readonly outputType?: 'float32' | 'float16';
}

/** The weight of one position: all differ, so that a mean tells where each pixel went. */
export function positionWeight(frame: number, row: number, column: number): number {
  return 1 + frame * 0.5 + row * 0.25 + column * 0.0625;
}

/**
 * A detector whose numbers are gain × the weighted means of R, G and B, times a matrix: they prove order of channels,
 * layout and scale.
 */
export function weightedMeans(options: WeightedMeans): Buffer {
  const { layout, dtype, frames = 1, height, width, dynamic = '', gain = 1, softmax = false } = options;
  const { matrix = [1, 0, 0, 0, 1, 0, 0, 0, 1], outputType = 'float32' } = options;
  const sizes: Record<string, number> = { N: 1, T: frames, C: 3, H: height, W: width };
  const shape = [...layout].map((letter) => (dynamic.includes(letter) ? letter : (sizes[letter] ?? 1)));
  const weightShape = [...layout].map((letter) => ('NC'.includes(letter) ? 1 : (sizes[letter] ?? 1)));
  const weights = new Float32Array((layout.includes('T') ? frames : 1) * height * width);
  for (let index = 0; index < weights.length; index += 1) {
    const [frame, place] = [Math.floor(index / (height * width)), index % (height * width)];
    weights[index] = positionWeight(frame, Math.floor(place / width), place % width);
  }
  const axes = [...layout].flatMap((letter, axis) => ('NC'.includes(letter) ? [] : [axis]));
  const outputs = matrix.length / 3;
  return detector(
    { dtype, shape, outputs, outputType },
    [
      { op: 'Mul', inputs: ['pixels', 'weights'], outputs: ['weighted'] },
      { op: 'ReduceMean', inputs: ['weighted'], outputs: ['means'], attributes: { axes, keepdims: 0 } },
      { op: 'Mul', inputs: ['means', 'gain'], outputs: ['gained'] },
      { op: 'MatMul', inputs: ['gained', 'matrix'], outputs: ['numbers'] },
      {
        op: softmax ? 'Softmax' : 'Identity',
        inputs: ['numbers'],
        outputs: ['activated'],
        ...(softmax ? { attributes: { axis: 1 } } : {}),
      },
      {
        op: 'Cast',
        inputs: ['activated'],
        outputs: ['answer'],
        attributes: { to: outputType === 'float16' ? FLOAT16 : FLOAT },
      },
    ],
    [
      { name: 'weights', type: 'float32', shape: weightShape, data: weights },
      { name: 'gain', type: 'float32', shape: [1], data: [gain] },
      { name: 'matrix', type: 'float32', shape: [3, outputs], data: matrix },
    ],
  );
}

/** How a mask lies in the output of `weightedMask`. */
type MaskForm = keyof typeof MASK_SHAPES;

const MASK_SHAPES = {
  '1HW': [1, 'h', 'w'],
  '11HW': [1, 1, 'h', 'w'],
  '1HW1': [1, 'h', 'w', 1],
  '12HW': [1, 2, 'h', 'w'],
  '1HW2': [1, 'h', 'w', 2],
} as const;

/**
 * A segmenter whose mask is gain × the sum of R, 2 G and 4 B at each place: it proves order of channels and layout. Of
 * two channels the first is half of that.
 */
export function weightedMask({
  layout,
  dtype,
  height,
  width,
  dynamic = '',
  gain = 1,
  form = '1HW',
  outputType = 'float32',
}: Omit<WeightedMeans, 'frames' | 'matrix' | 'softmax'> & { readonly form?: MaskForm }): Buffer {
  const sizes: Record<string, number> = { N: 1, C: 3, H: height, W: width };
  const shape = [...layout].map((letter) => (dynamic.includes(letter) ? letter : (sizes[letter] ?? 1)));
  const channel = layout.indexOf('C');
  const channelAxis = form.endsWith('HW') ? 1 : 3;
  const twofold = form.includes('2');
  const unsqueezed: Nodes = [
    { op: 'Unsqueeze', inputs: ['mask', 'channel_axis'], outputs: [twofold ? 'second' : 'placed'] },
  ];
  const doubled: Nodes = [
    { op: 'Mul', inputs: ['second', 'half'], outputs: ['first'] },
    { op: 'Concat', inputs: ['first', 'second'], outputs: ['placed'], attributes: { axis: channelAxis } },
  ];
  return detector(
    { dtype, shape, outputs: 1, outputType, outputShape: MASK_SHAPES[form] },
    [
      { op: 'Mul', inputs: ['pixels', 'weights'], outputs: ['weighted'] },
      {
        op: 'ReduceMean',
        inputs: ['weighted'],
        outputs: ['mask'],
        attributes: { axes: [channel], keepdims: 0 },
      },
      ...(form === '1HW' ? [{ op: 'Identity', inputs: ['mask'], outputs: ['placed'] }] : unsqueezed),
      ...(twofold ? doubled : []),
      {
        op: 'Cast',
        inputs: ['placed'],
        outputs: ['answer'],
        attributes: { to: outputType === 'float16' ? FLOAT16 : FLOAT },
      },
    ],
    [
      {
        name: 'weights',
        type: 'float32',
        shape: [...layout].map((letter) => (letter === 'C' ? 3 : 1)),
        data: [3 * gain, 6 * gain, 12 * gain],
      },
      { name: 'channel_axis', type: 'int64', shape: [1], data: [channelAxis] },
      { name: 'half', type: 'float32', shape: [1], data: [0.5] },
    ],
  );
}

interface MeanHead {
  /** 3 × outputs numbers that the means of R, G and B, each 0 to 255, are multiplied with. */
  readonly weights: readonly number[];
  readonly outputs: number;
  readonly shape?: readonly (number | string)[];
  readonly dtype?: InputType;
  readonly outputShape?: readonly (number | string)[];
}

/** A detector of pictures (uint8, 8 × 8 by default) whose numbers are the means of R, G, B times a matrix. */
export function meanHead({
  weights,
  outputs,
  shape = ['N', 3, 8, 8],
  dtype = 'uint8',
  outputShape,
}: MeanHead): Buffer {
  return detector(
    { dtype, shape, outputs, ...(outputShape === undefined ? {} : { outputShape }) },
    [
      { op: 'ReduceMean', inputs: ['pixels'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
      { op: 'MatMul', inputs: ['means', 'matrix'], outputs: ['answer'] },
    ],
    [{ name: 'matrix', type: 'float32', shape: [3, outputs], data: weights }],
  );
}

/**
 * A detector of pictures (uint8, edge × edge) that gives the same logits for every picture: which model it is can
 * be told from its answer.
 */
export function constantAnswer(logits: readonly [number, number, number], edge = 8): Buffer {
  return detector(
    { dtype: 'uint8', shape: ['N', 3, edge, edge], outputs: 3 },
    constantNodes,
    constants(logits),
  );
}

/** The same with its logits in a file `weights.bin` beside it. */
export function externalAnswer(logits: readonly [number, number, number]): { onnx: Buffer; weights: Buffer } {
  const [zero, weights] = constants(logits);
  const external = { ...weights, external: 'weights.bin' };
  return {
    onnx: detector({ dtype: 'uint8', shape: ['N', 3, 8, 8], outputs: 3 }, constantNodes, [zero, external]),
    weights: encodeValues(weights),
  };
}

/** A model that keeps weights in the files at these paths, and others, larger than what is read at once, inside. */
export function weightsAt(...locations: string[]): Buffer {
  const inside = {
    name: 'inside',
    type: 'float32',
    shape: [50_000],
    data: new Float32Array(50_000).fill(1),
  } as const;
  const outside = locations.map(
    (external, index) => ({ name: `w${index}`, type: 'float32', shape: [1], data: [0], external }) as const,
  );
  return detector(
    { dtype: 'uint8', shape: [1, 3, 8, 8], outputs: 1 },
    [
      {
        op: 'ReduceMean',
        inputs: ['pixels'],
        outputs: ['answer'],
        attributes: { axes: [1, 2, 3], keepdims: 0 },
      },
    ],
    [inside, ...outside],
  );
}

/**
 * A detector (uint8, [1,3,8,8]) whose run fails for a picture with a mean of 200 or more, at an operation of this name,
 * which ONNX Runtime writes to its standard error.
 */
export function failsWhenBright(name: string): Buffer {
  return detector(
    { dtype: 'uint8', shape: [1, 3, 8, 8], outputs: 3 },
    [
      { op: 'ReduceMean', inputs: ['pixels'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
      { op: 'Mul', inputs: ['means', 'two_hundredth'], outputs: ['place'] },
      { op: 'Cast', inputs: ['place'], outputs: ['index'], attributes: { to: INT64 } },
      { op: 'Gather', inputs: ['nothing', 'index'], outputs: [name] },
      { op: 'Add', inputs: ['means', name], outputs: ['answer'] },
    ],
    [
      { name: 'two_hundredth', type: 'float32', shape: [1], data: [1 / 200] },
      { name: 'nothing', type: 'float32', shape: [1], data: [0] },
    ],
  );
}

const constantNodes: Nodes = [
  { op: 'ReduceMean', inputs: ['pixels'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
  { op: 'Mul', inputs: ['means', 'nothing'], outputs: ['zeros'] },
  { op: 'Add', inputs: ['zeros', 'logits'], outputs: ['answer'] },
];

function constants(logits: readonly [number, number, number]) {
  return [
    { name: 'nothing', type: 'float32', shape: [1], data: [0] },
    { name: 'logits', type: 'float32', shape: [3], data: logits },
  ] as const;
}

/**
 * A detector (uint8, [1,3,8,8]) that takes the longer the redder the picture is: pictures with a mean red of up
 * to 128 take no time, and 255 takes `rounds` products of two 2033 × 2033 matrices. Its logits are the means / 64.
 */
export function slowWhenRed(rounds: number): Buffer {
  const products: Nodes = Array.from({ length: rounds }, (_, round) => ({
    op: 'MatMul',
    inputs: [`square_${round}`, 'square_0'],
    outputs: [`square_${round + 1}`],
  }));
  return detector(
    { dtype: 'uint8', shape: [1, 3, 8, 8], outputs: 3 },
    [
      { op: 'ReduceMean', inputs: ['pixels'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
      { op: 'Mul', inputs: ['means', 'sixty_fourth'], outputs: ['logits'] },
      { op: 'Slice', inputs: ['means', 'zero', 'one', 'one'], outputs: ['red'] },
      { op: 'Sub', inputs: ['red', 'threshold'], outputs: ['above'] },
      { op: 'Relu', inputs: ['above'], outputs: ['excess'] },
      { op: 'Mul', inputs: ['excess', 'sixteen'], outputs: ['edge_less_one'] },
      { op: 'Add', inputs: ['edge_less_one', 'one_float'], outputs: ['edge'] },
      { op: 'Div', inputs: ['one_float', 'edge'], outputs: ['element'] },
      { op: 'Concat', inputs: ['edge', 'edge'], outputs: ['square_shape_float'], attributes: { axis: 1 } },
      { op: 'Reshape', inputs: ['square_shape_float', 'two'], outputs: ['square_shape_flat'] },
      { op: 'Cast', inputs: ['square_shape_flat'], outputs: ['square_shape'], attributes: { to: INT64 } },
      { op: 'Expand', inputs: ['element', 'square_shape'], outputs: ['square_0'] },
      ...products,
      {
        op: 'ReduceMean',
        inputs: [`square_${rounds}`],
        outputs: ['rest'],
        attributes: { axes: [0, 1], keepdims: 1 },
      },
      { op: 'Mul', inputs: ['rest', 'nothing'], outputs: ['zeroed'] },
      { op: 'Add', inputs: ['logits', 'zeroed'], outputs: ['answer'] },
    ],
    [
      { name: 'sixty_fourth', type: 'float32', shape: [1], data: [1 / 64] },
      { name: 'zero', type: 'int64', shape: [1], data: [0] },
      { name: 'one', type: 'int64', shape: [1], data: [1] },
      { name: 'two', type: 'int64', shape: [1], data: [2] },
      { name: 'one_float', type: 'float32', shape: [1], data: [1] },
      { name: 'threshold', type: 'float32', shape: [1], data: [128] },
      { name: 'sixteen', type: 'float32', shape: [1], data: [16] },
      { name: 'nothing', type: 'float32', shape: [1], data: [0] },
    ],
  );
}

/** A segmenter whose mask is the red channel / 255, at its own resolution; `shape` is [N,3,H,W]. */
export function redMask(
  shape: readonly (number | string)[],
  extraNodes: Nodes = [],
  outputShape: readonly (number | string)[] = ['N', 1, 'h', 'w'],
  extraConstants: Constants = [],
): Buffer {
  return encodeModel({
    name: 'red-mask',
    inputs: [{ name: 'input', type: 'uint8', shape }],
    outputs: [{ name: 'answer', type: 'float32', shape: outputShape }],
    nodes: [
      { op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: FLOAT } },
      { op: 'Slice', inputs: ['pixels', 'zero', 'one', 'one'], outputs: ['red'] },
      { op: 'Mul', inputs: ['red', 'per_byte'], outputs: [extraNodes.length === 0 ? 'answer' : 'mask'] },
      ...extraNodes,
    ],
    constants: [
      { name: 'zero', type: 'int64', shape: [1], data: [0] },
      { name: 'one', type: 'int64', shape: [1], data: [1] },
      { name: 'per_byte', type: 'float32', shape: [1], data: [1 / 255] },
      ...extraConstants,
    ],
  });
}

function detector(
  {
    dtype,
    shape,
    outputs,
    outputType = 'float32',
    outputShape = ['N', outputs],
  }: {
    dtype: InputType;
    shape: readonly (number | string)[];
    outputs: number;
    outputType?: 'float32' | 'float16';
    outputShape?: readonly (number | string)[];
  },
  nodes: Nodes,
  constants: Constants,
): Buffer {
  return encodeModel({
    name: 'test-detector',
    inputs: [{ name: 'input', type: dtype, shape }],
    outputs: [{ name: 'answer', type: outputType, shape: outputShape }],
    nodes: [{ op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: FLOAT } }, ...nodes],
    constants,
  });
}
