import { describe, expect, it } from 'vitest';
import { mergeInput } from '../../../src/inference/contract/input.ts';
import { createContractLedger } from '../../../src/inference/contract/ledger.ts';
import type { ModelJson, Task } from '../../../src/inference/contract/model-json.ts';
import { refusal } from '../refused-model.ts';

type Shape = readonly (number | string)[];

const merge = (shape: Shape, type = 'uint8', json?: ModelJson, task: Task = 'image') =>
  mergeInput(json, task, [{ name: 'x', type, shape }], createContractLedger());

describe('the input contract', () => {
  it('the input contract comes from the ONNX file alone if it says enough', () => {
    expect(merge(['N', 3, 299, 320])).toEqual({
      name: 'x',
      layout: 'NCHW',
      dtype: 'uint8',
      fit: { mode: 'cover', height: 299, width: 320 },
      frames: 1,
      frameStride: 'even',
      framesPerRun: 1,
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    expect(merge([1, 'H', 'W', 3])).toMatchObject({ layout: 'NHWC', fit: { height: 224, width: 224 } });
    expect(merge(['', 3, '', 320])).toMatchObject({ layout: 'NCHW', fit: { height: 224, width: 320 } });
    expect(merge(['N', 24, 3, 'H', 'W'], 'uint8', undefined, 'video')).toMatchObject({
      layout: 'NTCHW',
      frames: 24,
      framesPerRun: 24,
    });
    expect(merge(['N', 'T', 'H', 'W', 3], 'uint8', undefined, 'video')).toMatchObject({
      layout: 'NTHWC',
      frames: 16,
    });
    expect(merge(['N', 3, 'T', 'H', 'W'], 'uint8', undefined, 'video')).toMatchObject({ layout: 'NCTHW' });
  });

  it('a model of pictures that is used for clips gets 16 frames, a few at a time', () => {
    expect(merge(['N', 3, 224, 224], 'uint8', undefined, 'video')).toMatchObject({
      frames: 16,
      framesPerRun: 8,
    });
    expect(merge([1, 3, 224, 224], 'uint8', { task: 'image' }, 'video')).toMatchObject({
      frames: 16,
      framesPerRun: 1,
    });
  });

  it('model.json says which frames of a clip are sampled, also for a model that is used for pictures', () => {
    const json = { task: 'image', input: { frames: 8, frameStride: 4 } } satisfies ModelJson;
    expect(merge(['N', 3, 8, 8], 'uint8', json, 'video')).toMatchObject({ frames: 8, frameStride: 4 });
    expect(merge(['N', 3, 8, 8], 'uint8', json)).toMatchObject({ frames: 1, frameStride: 'even' });
  });

  it('pixels of a float model are scaled to [0, 1] unless model.json says otherwise', () => {
    expect(merge([1, 3, 8, 8], 'float32', { input: {} })).toMatchObject({ scale: 1 / 255, mean: [0, 0, 0] });
    const said = { scale: 1, mean: [1, 2, 3], std: [4, 5, 6] } satisfies ModelJson['input'];
    expect(merge([1, 3, 8, 8], 'float16', { input: said })).toMatchObject(said);
  });

  it('pictures for masks are stretched, so nothing is cut off, unless model.json says otherwise', () => {
    expect(merge([1, 3, 'H', 'W'], 'uint8', undefined, 'mask').fit).toEqual({
      mode: 'stretch',
      height: 512,
      width: 512,
    });
    expect(merge([1, 3, 'H', 'W'], 'uint8', { input: { size: 'native' } }, 'mask').fit).toEqual({
      mode: 'native',
    });
    for (const fit of ['contain', 'cover'] as const) {
      expect(merge([1, 3, 8, 8], 'uint8', { input: { fit } }, 'mask').fit.mode).toBe(fit);
    }
  });

  it('model.json decides the layout if no dimension or two dimensions of the ONNX file are 3', () => {
    expect(merge([1, 3, 8, 3], 'uint8', { input: { layout: 'NHWC' } }).layout).toBe('NHWC');
    expect(merge(['N', 'C', 'H', 'W'], 'uint8', { input: { layout: 'NHWC' } }).layout).toBe('NHWC');
  });

  it('an input is refused if model.json and the ONNX file contradict each other; the message names both', () => {
    const cases: [() => unknown, ...string[]][] = [
      [() => merge([1, 3, 8, 8], 'uint8', { input: { name: 'y' } }), 'input.name y', 'the input named x'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { dtype: 'float32' } }), 'input.dtype float32', 'uint8'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { layout: 'NHWC' } }), 'NHWC', '[1, 3, 8, 8] has 8'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { layout: 'NTCHW' } }), 'NTCHW', '[1, 3, 8, 8] has 4'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { size: { height: 9, width: 8 } } }), 'height 9', 'H 8'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { size: { height: 8, width: 9 } } }), 'width 9', 'W 8'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { size: 'native' } }), 'native', '8 × 8'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { mean: [1, 1, 1] } }), 'input.mean', 'uint8[1, 3, 8, 8]'],
      [() => merge([1, 8, 3, 8, 8], 'uint8', { input: { frames: 9 } }, 'video'), 'frames 9', 'T 8'],
      [() => merge([1, 3, 8, 8], 'uint8', { task: 'mask' }), 'mask', 'image'],
      [() => merge([1, 3, 8, 8], 'uint8', { task: 'video' }), 'video', 'image'],
      [() => merge([1, 3, 8, 8], 'uint8', { task: 'image' }, 'mask'), 'image', 'mask'],
      [() => merge([1, 3, 8, 8], 'uint8', { input: { frames: 2 } }, 'mask'), 'input.frames', 'one picture'],
      [() => merge([1, 8, 3, 8, 8]), 'NTCHW', 'image'],
    ];
    for (const [attempt, ...parts] of cases)
      expect(attempt).toThrow(refusal('MODEL_CONTRADICTION', ...parts));
  });

  it('an input is refused if model.json contradicts itself', () => {
    const json = { input: { size: 'native', fit: 'cover' } } as const;
    expect(() => merge(['N', 3, 'H', 'W'], 'uint8', json)).toThrow(
      refusal('MODEL_JSON_INVALID', 'native', 'cover'),
    );
  });

  it('an input is refused if it is not fully described or cannot be served', () => {
    const cases: [() => unknown, ...string[]][] = [
      [() => merge([1, 3, 8, 8], 'float32'), 'float32', 'input.scale'],
      [() => merge(['N', 'C', '', 'W']), 'uint8[N, C, ?, W]', 'input.layout'],
      [() => merge([1, 3]), 'uint8[1, 3]', '2 dimensions', 'NCHW'],
      [() => merge([4, 3, 8, 8]), 'batch of 4'],
      [() => merge([1, 3, 8, 8], 'int64'), 'int64', 'uint8, float32, float16'],
      [() => merge([1, 145, 3, 8, 8], 'uint8', undefined, 'video'), '145 frames'],
      [() => merge([1, 3, 8, 9000]), '8 × 9000', '8192'],
      [() => merge([1, 144, 3, 4096, 4096], 'uint8', undefined, 'video'), '144 × 4096 × 4096'],
      [() => mergeInput(undefined, 'image', [], createContractLedger()), '0 inputs'],
    ];
    for (const [attempt, ...parts] of cases) expect(attempt).toThrow(refusal('MODEL_INVALID', ...parts));
  });
});
