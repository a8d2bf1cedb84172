import { encodeModel } from '../fixtures/onnx-writer.mjs';
import { writeModel } from '../inference/models.ts';

const EDGE = 256;
const CHANNELS = 3;
const FLOAT = 1;

/** High-pass filters of 3 × 3: each sums to 0, so that flat areas and slow gradients leave nothing. */
const FILTERS = [
  [0, 0, 0, 0, -1, 1, 0, 0, 0],
  [0, 0, 0, 0, -1, 0, 0, 1, 0],
  [0, 0, 0, 1, -2, 1, 0, 0, 0],
  [0, 1, 0, 0, -2, 0, 0, 1, 0],
  [-0.25, 0.5, -0.25, 0.5, -1, 0.5, -0.25, 0.5, -0.25],
];
const RESIDUALS = FILTERS.length * CHANNELS;
const OVER_THE_PICTURE = { axes: [2, 3], keepdims: 1 };

/**
 * A segmenter that marks where a picture is rougher than elsewhere, as the regions are that the scripts draw into theirs;
 * uint8 [N,3,256,256] → mask logits [N,1,64,64].
 * @returns the folder
 */
export function writeRoughSegmenter(root: string): string {
  const onnx = encodeModel({
    name: 'rough-segmenter',
    inputs: [{ name: 'pixels', type: 'uint8', shape: ['N', CHANNELS, EDGE, EDGE] }],
    outputs: [{ name: 'mask', type: 'float32', shape: ['N', 1, EDGE / 4, EDGE / 4] }],
    nodes: [
      { op: 'Cast', inputs: ['pixels'], outputs: ['bytes'], attributes: { to: FLOAT } },
      { op: 'Mul', inputs: ['bytes', 'per_byte'], outputs: ['light'] },
      {
        op: 'Conv',
        inputs: ['light', 'filters'],
        outputs: ['residuals'],
        attributes: { group: CHANNELS, kernel_shape: [3, 3] },
      },
      { op: 'Abs', inputs: ['residuals'], outputs: ['strength'] },
      {
        op: 'AveragePool',
        inputs: ['strength'],
        outputs: ['local'],
        attributes: { kernel_shape: [16, 16], strides: [4, 4], pads: [6, 6, 6, 6] },
      },
      { op: 'Conv', inputs: ['local', 'mixture'], outputs: ['energy'] },
      { op: 'ReduceMean', inputs: ['energy'], outputs: ['usual'], attributes: OVER_THE_PICTURE },
      { op: 'Sub', inputs: ['energy', 'usual'], outputs: ['excess'] },
      { op: 'Mul', inputs: ['excess', 'excess'], outputs: ['squared'] },
      { op: 'ReduceMean', inputs: ['squared'], outputs: ['variance'], attributes: OVER_THE_PICTURE },
      { op: 'Add', inputs: ['variance', 'tiny'], outputs: ['above_zero'] },
      { op: 'Sqrt', inputs: ['above_zero'], outputs: ['deviation'] },
      { op: 'Div', inputs: ['excess', 'deviation'], outputs: ['score'] },
      { op: 'Sub', inputs: ['score', 'one'], outputs: ['mask'] },
    ],
    constants: [
      { name: 'per_byte', type: 'float32', shape: [1], data: [1 / 255] },
      {
        name: 'filters',
        type: 'float32',
        shape: [RESIDUALS, 1, 3, 3],
        data: Array.from({ length: CHANNELS }, () => FILTERS).flat(2),
      },
      { name: 'mixture', type: 'float32', shape: [1, RESIDUALS, 1, 1], data: Array(RESIDUALS).fill(1) },
      { name: 'tiny', type: 'float32', shape: [1], data: [1e-6] },
      { name: 'one', type: 'float32', shape: [1], data: [1] },
    ],
  });
  return writeModel(root, 'rough-segmenter', onnx, { task: 'mask', output: { maskActivation: 'sigmoid' } });
}
