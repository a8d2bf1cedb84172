import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { redMask, weightedMeans, writeModel } from '../models.ts';
import { GOOD, GOOD_MASK, input, output, type RefusedModel, refused } from '../refused-model.ts';

const GOOD_CLIP = weightedMeans({ layout: 'NTCHW', dtype: 'uint8', frames: 2, height: 8, width: 8 });
const TWO_CHANNELS = redMask(
  ['N', 3, 8, 8],
  [{ op: 'Concat', inputs: ['mask', 'mask'], outputs: ['answer'], attributes: { axis: 1 } }],
  ['N', 2, 8, 8],
);

/** A good model with this text as its model.json. */
function withJson(name: string, words: readonly string[], text: string): RefusedModel {
  return refused(name, 'MODEL_JSON_INVALID', words, GOOD, { beside: { 'model.json': Buffer.from(text) } });
}

/** A model.json that is wrong by itself. */
export const WRONG_JSONS: readonly RefusedModel[] = [
  withJson('no JSON', ['not JSON'], '{ "task": image }'),
  withJson('an unknown field', ['input.layuot', 'input.layout'], '{ "input": { "layuot": "NCHW" } }'),
  withJson('a wrong value', ['task: ', 'image'], '{ "task": "sound" }'),
  {
    ...refused('a folder in place of model.json', 'MODEL_JSON_INVALID', ['model.json is a folder'], GOOD),
    write(folder) {
      mkdirSync(join(folder, 'model.json'));
      return writeModel(folder, '.', GOOD);
    },
  },
  refused(
    'one class twice',
    'MODEL_JSON_INVALID',
    ['real, fake, real', 'twice'],
    GOOD,
    output({ classes: ['real', 'fake', 'real'] }),
  ),
  refused(
    'fake beside synthetic',
    'MODEL_JSON_INVALID',
    ['synthetic'],
    GOOD,
    output({ classes: ['real', 'synthetic', 'fake'] }),
  ),
  refused(
    'a threshold for a soft mask',
    'MODEL_JSON_INVALID',
    ['soft', 'output.threshold'],
    GOOD_MASK,
    output({ mask: 'soft', threshold: 0.4 }, 'mask'),
  ),
  refused(
    'a fit for pictures that stay as they are',
    'MODEL_JSON_INVALID',
    ['native', 'input.fit cover'],
    redMask(['N', 3, 'H', 'W']),
    input({ size: 'native', fit: 'cover' }, 'mask'),
  ),
];

/** Two sides that cannot both be right. */
export const CONTRADICTIONS: readonly RefusedModel[] = (
  [
    ['task and use', ['task mask', 'used for image'], GOOD, { task: 'image', json: { task: 'mask' } }],
    ['a clip and its use', ['NTCHW, a clip', 'used for image'], GOOD_CLIP, {}],
    ['names of the input', ['input.name pixels', 'the input named input'], GOOD, input({ name: 'pixels' })],
    ['layouts', ['input.layout NHWC', 'uint8[N, 3, 8, 8]'], GOOD, input({ layout: 'NHWC' })],
    ['ranks', ['input.layout NTCHW', '5 dimensions', 'has 4'], GOOD, input({ layout: 'NTCHW' })],
    ['element types', ['input.dtype float16', 'uint8'], GOOD, input({ dtype: 'float16' })],
    ['heights', ['input.size.height 16', 'dimension H 8'], GOOD, input({ size: { height: 16, width: 8 } })],
    ['widths', ['input.size.width 16', 'dimension W 8'], GOOD, input({ size: { height: 8, width: 16 } })],
    ['any size and one', ['input.size native', '8 × 8'], GOOD, input({ size: 'native' })],
    ['frames', ['input.frames 9', 'dimension T 2'], GOOD_CLIP, input({ frames: 9 }, 'video')],
    ['frames and a mask', ['input.frameStride', 'one picture'], GOOD_MASK, input({ frameStride: 2 }, 'mask')],
    [
      'scaling and bytes',
      ['input.scale, input.mean', 'as they are'],
      GOOD,
      input({ scale: 1, mean: [0, 0, 0] }),
    ],
    ['names of the output', ['output.name logits', 'outputs answer'], GOOD, output({ name: 'logits' })],
    ['kinds', ['output.kind mask', 'used for image'], GOOD, output({ kind: 'mask' })],
    [
      'kinds, the other way',
      ['output.kind logits', 'used for mask'],
      GOOD_MASK,
      output({ kind: 'logits' }, 'mask'),
    ],
    ['numbers of classes', ['real, fake, which are 2', 'has 3'], GOOD, output({ classes: ['real', 'fake'] })],
    ['one number and three', ['output.kind sigmoid', 'has 3'], GOOD, output({ kind: 'sigmoid' })],
    [
      'temperature and probabilities',
      ['output.temperature', 'output.kind probabilities'],
      GOOD,
      output({ kind: 'probabilities', temperature: 2 }),
    ],
    ['a mask setting and logits', ['output.threshold', 'logits'], GOOD, output({ threshold: 0.4 })],
    ['classes and a mask', ['output.classes', 'mask'], GOOD_MASK, output({ classes: ['real'] }, 'mask')],
    ['two channels and one', ['[1, 2, 8, 8]', 'softmax'], TWO_CHANNELS, { task: 'mask' }],
    [
      'one channel and two',
      ['output.maskActivation softmax', '[1, 1, 8, 8]'],
      GOOD_MASK,
      output({ maskActivation: 'softmax' }, 'mask'),
    ],
  ] as const
).map(([name, words, onnx, options]) =>
  refused(`contradicting ${name}`, 'MODEL_CONTRADICTION', words, onnx, options),
);
