/**
 * Writes the example models: node models/make-examples.mjs
 *
 * They look at what a picture's neighbouring pixels leave unexplained, which differs between cameras and
 * generators, but the numbers that turn it into an answer are random and were never trained. The same recipe
 * always gives the same bytes.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeModel } from './onnx-writer.mjs';

/** @typedef {import('./onnx-writer.mjs').Node} Node */
/** @typedef {import('./onnx-writer.mjs').Constant} Constant */

const EDGE = 224;
const SEGMENTER_EDGE = 256;
const FRAMES = 8;
const HIDDEN = 16;
const CLASSES = 3;
const CHANNELS = 3;
const FLOAT = 1;

/** High-pass filters of 3 × 3: each sums to 0, so that flat areas and slow gradients leave nothing. */
const RESIDUAL_FILTERS = [
  [0, 0, 0, 0, -1, 1, 0, 0, 0],
  [0, 0, 0, 0, -1, 0, 0, 1, 0],
  [0, 0, 0, 1, -2, 1, 0, 0, 0],
  [0, 1, 0, 0, -2, 0, 0, 1, 0],
  [-0.25, 0.5, -0.25, 0.5, -1, 0.5, -0.25, 0.5, -0.25],
];
const RESIDUALS = RESIDUAL_FILTERS.length * CHANNELS;
/** Mean and energy of each residual. */
const FEATURES = 2 * RESIDUALS;

/** The `.onnx` bytes of each example by the name of its folder. */
export function buildExamples() {
  return {
    'example-image-detector': imageDetector(),
    'example-video-detector': videoDetector(),
    'example-segmenter': segmenter(),
  };
}

/** uint8 [N,3,224,224] → logits [N,3]. */
function imageDetector() {
  return encodeModel({
    name: 'example-image-detector',
    inputs: [{ name: 'pixels', type: 'uint8', shape: ['N', CHANNELS, EDGE, EDGE] }],
    outputs: [{ name: 'logits', type: 'float32', shape: ['N', CLASSES] }],
    nodes: [...residuals('pixels'), ...statistics(), ...head('features')],
    constants: [...residualConstants(), ...statisticsConstants(), ...headConstants(FEATURES, 34)],
  });
}

/** uint8 [N,8,3,224,224] → logits [N,3], from the mean over time and the mean change from frame to frame. */
function videoDetector() {
  return encodeModel({
    name: 'example-video-detector',
    inputs: [{ name: 'clip', type: 'uint8', shape: ['N', FRAMES, CHANNELS, EDGE, EDGE] }],
    outputs: [{ name: 'logits', type: 'float32', shape: ['N', CLASSES] }],
    nodes: [
      { op: 'Reshape', inputs: ['clip', 'as_pictures'], outputs: ['pixels'] },
      ...residuals('pixels'),
      ...statistics(),
      { op: 'Reshape', inputs: ['features', 'as_clips'], outputs: ['series'] },
      { op: 'Slice', inputs: ['series', 'from_second', 'to_last', 'time'], outputs: ['later'] },
      { op: 'Slice', inputs: ['series', 'from_first', 'to_last_but_one', 'time'], outputs: ['earlier'] },
      { op: 'Sub', inputs: ['later', 'earlier'], outputs: ['steps'] },
      { op: 'Abs', inputs: ['steps'], outputs: ['changes'] },
      ...mean('changes', 'change', [1]),
      ...mean('series', 'level', [1]),
      { op: 'Concat', inputs: ['level', 'change'], outputs: ['summary'], attributes: { axis: 1 } },
      ...head('summary'),
    ],
    constants: [
      ints('as_pictures', [-1, CHANNELS, EDGE, EDGE]),
      ints('as_clips', [-1, FRAMES, FEATURES]),
      ints('from_first', [0]),
      ints('from_second', [1]),
      ints('to_last_but_one', [FRAMES - 1]),
      ints('to_last', [FRAMES]),
      ints('time', [1]),
      ...residualConstants(),
      ...statisticsConstants(),
      ...headConstants(2 * FEATURES, 3434),
    ],
  });
}

/** uint8 [N,3,256,256] → mask logits [N,1,64,64]: above 0 where residuals stand out from the rest of the picture. */
function segmenter() {
  const random = uniform(343434);
  return encodeModel({
    name: 'example-segmenter',
    inputs: [{ name: 'pixels', type: 'uint8', shape: ['N', CHANNELS, SEGMENTER_EDGE, SEGMENTER_EDGE] }],
    outputs: [{ name: 'mask', type: 'float32', shape: ['N', 1, SEGMENTER_EDGE / 4, SEGMENTER_EDGE / 4] }],
    nodes: [
      ...residuals('pixels'),
      { op: 'Abs', inputs: ['residuals'], outputs: ['strength'] },
      {
        op: 'AveragePool',
        inputs: ['strength'],
        outputs: ['local'],
        attributes: { kernel_shape: [16, 16], strides: [4, 4], pads: [6, 6, 6, 6] },
      },
      { op: 'Conv', inputs: ['local', 'mixture'], outputs: ['energy'] },
      ...mean('energy', 'usual', [2, 3], 1),
      { op: 'Sub', inputs: ['energy', 'usual'], outputs: ['excess'] },
      { op: 'Mul', inputs: ['excess', 'excess'], outputs: ['excess_squared'] },
      ...mean('excess_squared', 'variance', [2, 3], 1),
      { op: 'Add', inputs: ['variance', 'tiny'], outputs: ['variance_above_zero'] },
      { op: 'Sqrt', inputs: ['variance_above_zero'], outputs: ['deviation'] },
      { op: 'Div', inputs: ['excess', 'deviation'], outputs: ['score'] },
      { op: 'Sub', inputs: ['score', 'one'], outputs: ['mask'] },
    ],
    constants: [
      ...residualConstants(),
      floats(
        'mixture',
        [1, RESIDUALS, 1, 1],
        Array.from({ length: RESIDUALS }, () => 1 + random()),
      ),
      floats('tiny', [1], [1e-6]),
      floats('one', [1], [1]),
    ],
  });
}

/**
 * uint8 [N,3,H,W] → `residuals` float [N,15,H,W].
 * @param {string} pixels
 * @returns {Node[]}
 */
function residuals(pixels) {
  return [
    { op: 'Cast', inputs: [pixels], outputs: ['bytes'], attributes: { to: FLOAT } },
    { op: 'Mul', inputs: ['bytes', 'per_byte'], outputs: ['light'] },
    {
      op: 'Conv',
      inputs: ['light', 'filters'],
      outputs: ['residuals'],
      attributes: { group: CHANNELS, kernel_shape: [3, 3] },
    },
  ];
}

/** @returns {Constant[]} */
function residualConstants() {
  const filters = Array.from({ length: CHANNELS }, () => RESIDUAL_FILTERS).flat(2);
  return [floats('per_byte', [1], [1 / 255]), floats('filters', [RESIDUALS, 1, 3, 3], filters)];
}

/**
 * `residuals` → `features` [N,30]: logarithms of the mean strength and of the mean energy, about 0 for photographs.
 * @returns {Node[]}
 */
function statistics() {
  return [
    { op: 'Abs', inputs: ['residuals'], outputs: ['strength'] },
    ...mean('strength', 'mean_strength', [2, 3]),
    { op: 'Mul', inputs: ['residuals', 'residuals'], outputs: ['energy'] },
    ...mean('energy', 'mean_energy', [2, 3]),
    { op: 'Concat', inputs: ['mean_strength', 'mean_energy'], outputs: ['means'], attributes: { axis: 1 } },
    { op: 'Add', inputs: ['means', 'tiny'], outputs: ['means_above_zero'] },
    { op: 'Log', inputs: ['means_above_zero'], outputs: ['logarithms'] },
    { op: 'Add', inputs: ['logarithms', 'centre'], outputs: ['features'] },
  ];
}

/** @returns {Constant[]} */
function statisticsConstants() {
  return [floats('tiny', [1], [1e-4]), floats('centre', [1], [5])];
}

/**
 * Two layers with random weights → `logits` [N,3].
 * @param {string} features
 * @returns {Node[]}
 */
function head(features) {
  return [
    { op: 'Gemm', inputs: [features, 'weights_1', 'bias_1'], outputs: ['sums'] },
    { op: 'Relu', inputs: ['sums'], outputs: ['hidden'] },
    { op: 'Gemm', inputs: ['hidden', 'weights_2', 'bias_2'], outputs: ['logits'] },
  ];
}

/**
 * @param {number} count features that go in
 * @param {number} seed
 * @returns {Constant[]}
 */
function headConstants(count, seed) {
  const random = uniform(seed);
  /** @param {number} length */
  const weights = (length) => Array.from({ length }, () => random() * 0.5);
  return [
    floats('weights_1', [count, HIDDEN], weights(count * HIDDEN)),
    floats('bias_1', [HIDDEN], weights(HIDDEN)),
    floats('weights_2', [HIDDEN, CLASSES], weights(HIDDEN * CLASSES)),
    floats('bias_2', [CLASSES], weights(CLASSES)),
  ];
}

/**
 * @param {string} input
 * @param {string} output
 * @param {readonly number[]} axes
 * @param {0 | 1} keepdims
 * @returns {Node[]}
 */
function mean(input, output, axes, keepdims = 0) {
  return [{ op: 'ReduceMean', inputs: [input], outputs: [output], attributes: { axes, keepdims } }];
}

/**
 * @param {string} name
 * @param {readonly number[]} shape
 * @param {readonly number[]} data
 * @returns {Constant}
 */
function floats(name, shape, data) {
  return { name, type: 'float32', shape, data };
}

/**
 * @param {string} name
 * @param {readonly number[]} data
 * @returns {Constant}
 */
function ints(name, data) {
  return { name, type: 'int64', shape: [data.length], data };
}

/**
 * Numbers evenly spread over [−1, 1), from whole-number arithmetic alone, so that they are the same everywhere.
 * @param {number} seed
 * @returns {() => number}
 */
function uniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

if (fileURLToPath(import.meta.url) === process.argv[1]) {
  for (const [folder, bytes] of Object.entries(buildExamples())) {
    writeFileSync(new URL(`${folder}/model.onnx`, import.meta.url), bytes);
  }
}
