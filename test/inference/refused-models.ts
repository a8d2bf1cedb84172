import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel, encodeValues } from '../fixtures/onnx-writer.mjs';
import { CONTRADICTIONS, WRONG_JSONS } from './contract/refused-contracts.ts';
import { meanHead, redMask, weightedMeans } from './models.ts';
import { GOOD, IDENTITY, output, type RefusedModel, refused } from './refused-model.ts';

type Graph = Parameters<typeof encodeModel>[0];
type Shape = readonly (number | string)[];

const GOOD_FLOAT = meanHead({ weights: IDENTITY, outputs: 3, shape: ['N', 3, 8, 8], dtype: 'float32' });

/** The means of a picture, uint8[1,3,8,8], times a matrix of 3 × 3, with parts of the graph replaced. */
function graph(parts: Partial<Graph> = {}): Buffer {
  return encodeModel({
    name: 'graph',
    inputs: [{ name: 'input', type: 'uint8', shape: [1, 3, 8, 8] }],
    outputs: [{ name: 'answer', type: 'float32', shape: [1, 3] }],
    nodes: [
      { op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: 1 } },
      { op: 'ReduceMean', inputs: ['pixels'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
      { op: 'MatMul', inputs: ['means', 'matrix'], outputs: ['answer'] },
    ],
    constants: [{ name: 'matrix', type: 'float32', shape: [3, 3], data: IDENTITY }],
    ...parts,
  });
}

const MATRIX = { name: 'matrix', type: 'float32', shape: [3, 3], data: IDENTITY } as const;

const weightsIn = (external: string): Buffer => graph({ constants: [{ ...MATRIX, external }] });

/** A model that only casts what it gets. */
function cast(
  inputShape: Shape,
  outputShape: Shape = inputShape,
  type: 'float32' | 'int64' = 'float32',
): Buffer {
  return graph({
    inputs: [{ name: 'input', type: 'uint8', shape: inputShape }],
    outputs: [{ name: 'answer', type, shape: outputShape }],
    nodes: [
      { op: 'Cast', inputs: ['input'], outputs: ['answer'], attributes: { to: type === 'int64' ? 7 : 1 } },
    ],
    constants: [],
  });
}

/** Files that are missing or broken. */
const FILES: readonly RefusedModel[] = [
  {
    ...refused('no file', 'MODEL_NOT_FOUND', ['there is no', 'nowhere'], GOOD),
    write: (folder) => join(folder, 'nowhere'),
  },
  {
    ...refused(
      'a folder without model.onnx',
      'MODEL_NOT_FOUND',
      ['there is no', 'model.onnx', 'best.onnx', 'rename it'],
      GOOD,
    ),
    write(folder) {
      writeFileSync(join(folder, 'best.onnx'), GOOD);
      return folder;
    },
  },
  {
    ...refused('a folder in place of model.onnx', 'MODEL_UNREADABLE', ['model.onnx', 'is a folder'], GOOD),
    write(folder) {
      mkdirSync(join(folder, 'model.onnx'));
      return folder;
    },
  },
  refused(
    'an ONNX file of half its length',
    'MODEL_UNREADABLE',
    ['cut short'],
    GOOD.subarray(0, GOOD.length / 2),
  ),
  refused('an ONNX file without its last field', 'MODEL_UNREADABLE', ['cut short'], GOOD.subarray(0, -4)),
  refused('an empty file', 'MODEL_UNREADABLE', ['is empty'], Buffer.alloc(0)),
  refused('a web page', 'MODEL_UNREADABLE', ['no ONNX file'], Buffer.from('<!DOCTYPE html><html></html>')),
  refused(
    'a pointer of Git LFS',
    'MODEL_UNREADABLE',
    ['Git LFS', 'git lfs pull'],
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n'),
  ),
  refused('an opset of the future', 'MODEL_UNREADABLE', ['opset 99', 'or lower'], graph({ opset: 99 })),
  refused('a file format of the future', 'MODEL_UNREADABLE', ['IR version 99'], graph({ irVersion: 99 })),
  refused(
    'an operation that does not exist',
    'MODEL_UNREADABLE',
    ['the operation Nonsense', 'opset 17'],
    graph({ nodes: [{ op: 'Nonsense', inputs: ['input'], outputs: ['answer'] }] }),
  ),
  refused(
    'an operation on bytes that is there for floats only',
    'MODEL_UNREADABLE',
    ['the operation ReduceMean', 'float32'],
    graph({
      nodes: [
        { op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: 16 } },
        {
          op: 'ReduceMean',
          inputs: ['pixels'],
          outputs: ['means'],
          attributes: { axes: [2, 3], keepdims: 0 },
        },
        { op: 'Cast', inputs: ['means'], outputs: ['answer'], attributes: { to: 1 } },
      ],
    }),
  ),
  refused(
    'a tensor that comes from nowhere',
    'MODEL_UNREADABLE',
    ['cannot be loaded', "'missing'"],
    graph({ nodes: [{ op: 'Cast', inputs: ['missing'], outputs: ['answer'], attributes: { to: 1 } }] }),
  ),
  refused(
    'weights that are not there',
    'MODEL_NOT_FOUND',
    ['there is no', 'weights.bin', 'weights in'],
    weightsIn('weights.bin'),
  ),
  refused(
    'weights that are cut short',
    'MODEL_UNREADABLE',
    ['matrix', 'cut short'],
    weightsIn('weights.bin'),
    {
      beside: { 'weights.bin': encodeValues(MATRIX).subarray(0, 20) },
    },
  ),
  refused(
    'weights outside the folder',
    'MODEL_UNREADABLE',
    ['outside its folder'],
    weightsIn('../weights.bin'),
  ),
];

/** Models whose answer to their first picture is none. */
const ANSWERS: readonly RefusedModel[] = [
  refused(
    'weights of NaN',
    'MODEL_ANSWER_INVALID',
    ['answers its first picture with NaN', 'weights'],
    meanHead({ weights: Array(9).fill(Number.NaN), outputs: 3 }),
  ),
  refused(
    'weights of infinity in a mask',
    'MODEL_ANSWER_INVALID',
    ['with Infinity', 'weights'],
    redMask(['N', 3, 8, 8], [{ op: 'Div', inputs: ['mask', 'nothing'], outputs: ['answer'] }], undefined, [
      { name: 'nothing', type: 'float32', shape: [1], data: [0] },
    ]),
    { task: 'mask' },
  ),
  refused(
    'a size that the model does not take, though it says any',
    'MODEL_ANSWER_INVALID',
    ['fails on its first picture', '224 × 224', 'input.size', 'ONNX Runtime: '],
    graph({
      inputs: [{ name: 'input', type: 'uint8', shape: [1, 3, 'H', 'W'] }],
      nodes: [
        { op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: 1 } },
        { op: 'Flatten', inputs: ['pixels'], outputs: ['flat'] },
        { op: 'MatMul', inputs: ['flat', 'matrix'], outputs: ['answer'] },
      ],
    }),
  ),
  refused(
    'logits called probabilities',
    'MODEL_ANSWER_INVALID',
    ['probabilities', 'output.kind logits'],
    GOOD,
    output({ kind: 'probabilities' }),
  ),
  refused(
    'logits called a mask',
    'MODEL_ANSWER_INVALID',
    ['no confidence', 'output.maskActivation sigmoid'],
    redMask(['N', 3, 8, 8], [{ op: 'Mul', inputs: ['mask', 'gain'], outputs: ['answer'] }], undefined, [
      { name: 'gain', type: 'float32', shape: [1], data: [9] },
    ]),
    { task: 'mask' },
  ),
];

/** Inputs and outputs that cannot be used, or leave something open. */
const PORTS: readonly RefusedModel[] = [
  refused(
    'two inputs',
    'MODEL_INVALID',
    ['2 inputs', '"other" float32[1, ?]', 'exactly one'],
    graph({
      inputs: [
        { name: 'input', type: 'uint8', shape: [1, 3, 8, 8] },
        { name: 'other', type: 'float32', shape: [1, ''] },
      ],
    }),
  ),
  refused('an input of 2 dimensions', 'MODEL_INVALID', ['uint8[1, 3]', '2 dimensions', 'NCHW'], cast([1, 3])),
  refused('an input of 6 dimensions', 'MODEL_INVALID', ['6 dimensions'], cast([1, 1, 1, 3, 8, 8]), {
    task: 'video',
  }),
  refused(
    'an input of whole numbers',
    'MODEL_INVALID',
    ['int64[1, 3, 8, 8]', 'uint8, float32, float16'],
    graph({ inputs: [{ name: 'input', type: 'int64', shape: [1, 3, 8, 8] }] }),
  ),
  refused('a fixed batch', 'MODEL_INVALID', ['fixed batch of 4'], cast([4, 3, 8, 8])),
  refused(
    'no dimension of 3',
    'MODEL_INVALID',
    ['uint8[N, C, H, W]', 'input.layout'],
    cast(['N', 'C', 'H', 'W']),
  ),
  refused('floats without a word on scaling', 'MODEL_INVALID', ['float32', 'input.scale'], GOOD_FLOAT),
  refused(
    'clips of too many frames',
    'MODEL_INVALID',
    ['200 frames'],
    weightedMeans({ layout: 'NTCHW', dtype: 'uint8', frames: 200, height: 2, width: 2 }),
    { task: 'video' },
  ),
  refused('an answer of 4 dimensions', 'MODEL_INVALID', ['[1, 3, 8, 8]', '[N, classes]'], cast([1, 3, 8, 8])),
  refused('a mask of 3 channels', 'MODEL_INVALID', ['[1, 3, 8, 8]', '[1,1,H,W]'], cast([1, 3, 8, 8]), {
    task: 'mask',
  }),
  refused(
    'a flattened mask',
    'MODEL_INVALID',
    ['[1, 64]', '[1,1,H,W]'],
    redMask([1, 3, 8, 8], [{ op: 'Flatten', inputs: ['mask'], outputs: ['answer'] }], [1, 64]),
    { task: 'mask' },
  ),
  refused(
    'an answer of five numbers',
    'MODEL_INVALID',
    ['5 numbers', '1, 2 or 3'],
    meanHead({ weights: Array(15).fill(0.01), outputs: 5 }),
  ),
  refused(
    'one number without a word on what it is',
    'MODEL_INVALID',
    ['one number', 'output.kind sigmoid'],
    meanHead({ weights: [0.01, 0, 0], outputs: 1 }),
  ),
  refused(
    'an answer of whole numbers',
    'MODEL_INVALID',
    ['answer is int64', 'floats'],
    cast([1, 3, 8, 8], [1, 3, 8, 8], 'int64'),
  ),
  refused(
    'two outputs',
    'MODEL_INVALID',
    ['answer, means', 'output.name'],
    graph({
      outputs: [
        { name: 'answer', type: 'float32', shape: [1, 3] },
        { name: 'means', type: 'float32', shape: [1, 3] },
      ],
    }),
  ),
  refused('no output', 'MODEL_INVALID', ['no output'], graph({ outputs: [] })),
];

/** Every way in which a model can be unfit, each with the code and the words that it must be refused with. */
export const REFUSED_MODELS: readonly RefusedModel[] = [
  ...FILES,
  ...ANSWERS,
  ...PORTS,
  ...WRONG_JSONS,
  ...CONTRADICTIONS,
];
