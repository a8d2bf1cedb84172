import { describe, expect, it } from 'vitest';
import { createContractLedger } from '../../src/inference/contract-ledger.ts';
import { contractLines } from '../../src/inference/contract-lines.ts';
import { mergeInput } from '../../src/inference/input-contract.ts';
import type { ModelJson, Task } from '../../src/inference/model-json.ts';
import { chooseOutput, mergeOutput } from '../../src/inference/output-contract.ts';
import { classCount, maskSize } from '../../src/inference/output-shape.ts';
import { parseModelJson } from '../../src/inference/parse-model-json.ts';

type Shape = readonly (number | string)[];

const input = (shape: Shape, type = 'uint8', json?: ModelJson, task: Task = 'image') =>
  mergeInput(json, task, [{ name: 'x', type, shape }], createContractLedger());
const output = (shape: readonly number[], json?: ModelJson['output'], task: Task = 'image') =>
  mergeOutput(
    json === undefined ? undefined : { output: json },
    task,
    { name: 'y', shape },
    1,
    createContractLedger(),
  );
const invalid = (...parts: string[]) =>
  expect.objectContaining({
    code: 'MODEL_INVALID',
    message: expect.stringMatching(
      new RegExp(parts.map((part) => part.replace(/[[\]().]/g, '\\$&')).join('.*'), 's'),
    ),
  });

describe('the input contract', () => {
  it('is read from the ONNX file alone where that says enough', () => {
    expect(input(['N', 3, 299, 320])).toEqual({
      name: 'x',
      layout: 'NCHW',
      dtype: 'uint8',
      fit: { mode: 'cover', height: 299, width: 320 },
      frames: 1,
      framesPerRun: 1,
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    expect(input([1, 'H', 'W', 3])).toMatchObject({ layout: 'NHWC', fit: { height: 224, width: 224 } });
    expect(input(['N', 24, 3, 'H', 'W'], 'uint8', undefined, 'video')).toMatchObject({
      layout: 'NTCHW',
      frames: 24,
      framesPerRun: 24,
    });
    expect(input(['N', 'T', 'H', 'W', 3], 'uint8', undefined, 'video')).toMatchObject({
      layout: 'NTHWC',
      frames: 16,
    });
    expect(input(['N', 3, 'T', 'H', 'W'], 'uint8', undefined, 'video')).toMatchObject({ layout: 'NCTHW' });
  });

  it('asks for 16 frames and few at once where a model of pictures is used for clips', () => {
    expect(input(['N', 3, 224, 224], 'uint8', undefined, 'video')).toMatchObject({
      frames: 16,
      framesPerRun: 8,
    });
    expect(input([1, 3, 224, 224], 'uint8', { task: 'image' }, 'video')).toMatchObject({
      frames: 16,
      framesPerRun: 1,
    });
  });

  it('scales pixels of a float model to [0, 1] unless model.json says otherwise', () => {
    expect(input([1, 3, 8, 8], 'float32', { input: {} })).toMatchObject({ scale: 1 / 255, mean: [0, 0, 0] });
    const said = { scale: 1, mean: [1, 2, 3], std: [4, 5, 6] } satisfies ModelJson['input'];
    expect(input([1, 3, 8, 8], 'float32', { input: said })).toMatchObject(said);
  });

  it('brings pictures for masks to the size without cutting anything off', () => {
    expect(input([1, 3, 'H', 'W'], 'uint8', undefined, 'mask').fit).toEqual({
      mode: 'stretch',
      height: 512,
      width: 512,
    });
    expect(input([1, 3, 'H', 'W'], 'uint8', { input: { size: 'native' } }, 'mask').fit).toEqual({
      mode: 'native',
    });
  });

  it('is refused where model.json and the file contradict each other, and the message names both', () => {
    const cases: [() => unknown, ...string[]][] = [
      [() => input([1, 3, 8, 8], 'uint8', { input: { dtype: 'float32' } }), 'input.dtype float32', 'uint8'],
      [() => input([1, 3, 8, 8], 'uint8', { input: { layout: 'NHWC' } }), 'NHWC', 'dimension C 8'],
      [() => input([1, 3, 8, 8], 'uint8', { input: { layout: 'NTCHW' } }), 'NTCHW', '[1, 3, 8, 8]'],
      [() => input([1, 3, 8, 8], 'uint8', { input: { size: { height: 9, width: 8 } } }), 'height 9', 'H 8'],
      [() => input([1, 3, 8, 8], 'uint8', { input: { size: { height: 8, width: 9 } } }), 'width 9', 'W 8'],
      [() => input([1, 3, 8, 8], 'uint8', { input: { size: 'native' } }), 'native', '8 × 8'],
      [() => input([1, 3, 8, 8], 'uint8', { input: { mean: [1, 1, 1] } }), 'mean', 'uint8[1, 3, 8, 8]'],
      [() => input([1, 8, 3, 8, 8], 'uint8', { input: { frames: 9 } }, 'video'), 'frames 9', 'T 8'],
      [() => input([1, 3, 8, 8], 'uint8', { task: 'mask' }), 'mask', 'image'],
      [() => input([1, 3, 8, 8], 'uint8', { task: 'video' }), 'video', 'image'],
      [() => input([1, 3, 8, 8], 'uint8', { input: { fit: 'cover' } }, 'mask'), 'cover', 'whole picture'],
      [
        () => input(['N', 3, 'H', 'W'], 'uint8', { input: { size: 'native', fit: 'cover' } }),
        'native',
        'cover',
      ],
    ];
    for (const [attempt, ...parts] of cases) expect(attempt).toThrow(invalid(...parts));
  });

  it('is refused where something stays open', () => {
    expect(() => input([1, 3, 8, 8], 'float32')).toThrow(invalid('float32', 'input.scale'));
    expect(() => input(['N', 'C', 'H', 'W'])).toThrow(invalid('uint8[N, C, H, W]', 'input.layout'));
    expect(input(['N', 'C', 'H', 'W'], 'uint8', { input: { layout: 'NHWC' } }).layout).toBe('NHWC');
    expect(() => input([1, 3])).toThrow(invalid('uint8[1, 3]'));
    expect(() => input([4, 3, 8, 8])).toThrow(invalid('batch of 4'));
    expect(() => input([1, 8, 3, 8, 8])).toThrow(invalid('NTCHW', 'image'));
    expect(() => input([1, 3, 8, 8], 'int64')).toThrow(invalid('int64'));
    expect(() => mergeInput(undefined, 'image', [], createContractLedger())).toThrow(invalid('0 inputs'));
  });
});

describe('the output contract', () => {
  it('is logits in the order of the wire unless model.json says otherwise', () => {
    expect(output([1, 3])).toEqual({
      kind: 'logits',
      name: 'y',
      classes: ['real', 'synthetic', 'semisynthetic'],
    });
    expect(output([1, 2])).toMatchObject({ classes: ['real', 'fake'] });
    expect(output([1, 1], { kind: 'sigmoid' })).toMatchObject({ classes: ['fake'] });
    expect(output([1, 1, 4, 4], undefined, 'mask')).toEqual({
      kind: 'mask',
      name: 'y',
      activation: 'none',
      threshold: 0.5,
    });
  });

  it('is refused where model.json and the first run contradict each other', () => {
    const cases: [() => unknown, ...string[]][] = [
      [() => output([1, 3], { classes: ['real', 'fake'] }), '2', '3'],
      [() => output([1, 5]), '5 numbers'],
      [() => output([1, 1]), 'sigmoid'],
      [() => output([1, 2], { kind: 'sigmoid' }), 'sigmoid', '2'],
      [() => output([1, 2], { classes: ['real', 'real'] }), 'twice'],
      [() => output([1, 2], { classes: ['synthetic', 'fake'] }), 'synthetic'],
      [() => output([1, 2], { threshold: 0.4 }), 'threshold', 'logits'],
      [() => output([1, 2], { kind: 'mask' }), 'mask', 'image'],
      [() => output([1, 1, 4, 4], { kind: 'logits' }, 'mask'), 'logits', 'mask'],
      [() => output([1, 1, 4, 4], { classes: ['real'] }, 'mask'), 'classes'],
      [() => output([1, 3, 4, 4]), '[1, 3, 4, 4]'],
      [() => output([1, 2, 4, 4], undefined, 'mask'), '[1, 2, 4, 4]'],
    ];
    for (const [attempt, ...parts] of cases) expect(attempt).toThrow(invalid(...parts));
  });

  it('knows the shapes that detectors and masks come in', () => {
    expect([classCount([8, 3], 8), classCount([8], 8), classCount([3], 1)]).toEqual([3, 1, 3]);
    for (const shape of [
      [1, 1, 4, 6],
      [1, 4, 6, 1],
      [1, 4, 6],
      [4, 6],
    ]) {
      expect(maskSize(shape)).toEqual({ height: 4, width: 6 });
    }
  });

  it('is that of the output which model.json names, or of the only one', () => {
    const choose = (json: ModelJson | undefined, names: string[]) =>
      chooseOutput(json, names, createContractLedger());
    expect(choose(undefined, ['a'])).toBe('a');
    expect(choose({ output: { name: 'b' } }, ['a', 'b'])).toBe('b');
    expect(() => choose(undefined, ['a', 'b'])).toThrow(invalid('a, b', 'output.name'));
    expect(() => choose({ output: { name: 'c' } }, ['a', 'b'])).toThrow(invalid('a, b', 'c'));
  });
});

describe('where the lines of a contract come from', () => {
  const lines = (json: ModelJson | undefined, shape: Shape, type: string, answer: readonly number[]) => {
    const ledger = createContractLedger();
    const contract = {
      task: 'image' as const,
      input: mergeInput(json, 'image', [{ name: 'x', type, shape }], ledger),
      output: mergeOutput(
        json,
        'image',
        { name: chooseOutput(json, ['y'], ledger), shape: answer },
        1,
        ledger,
      ),
      origins: ledger.origins,
    };
    return contractLines(contract).map(({ field, value, origin }) => `${field} ${value} (${origin})`);
  };

  it('is remembered for each of them', () => {
    const json = {
      task: 'image',
      input: { layout: 'NCHW', size: { height: 8, width: 8 }, scale: 1, mean: [1, 2, 3] },
      output: { classes: ['fake', 'real'] },
    } satisfies ModelJson;
    expect(lines(json, ['N', 3, 8, 'W'], 'float32', [1, 2])).toEqual([
      'task image (model.json)',
      'input.name x (ONNX)',
      'input.layout NCHW (model.json)',
      'input.dtype float32 (ONNX)',
      'input.size.height 8 (model.json)',
      'input.size.width 8 (model.json)',
      'input.fit cover (default)',
      'input.frames 1 (default)',
      'input.scale 1 (model.json)',
      'input.mean 1,2,3 (model.json)',
      'input.std 1,1,1 (default)',
      'output.name y (ONNX)',
      'output.kind logits (default)',
      'output.classes fake,real (model.json)',
    ]);
    expect(lines(undefined, ['N', 3, 8, 'W'], 'uint8', [1, 3])).toEqual(
      expect.arrayContaining([
        'task image (default)',
        'input.layout NCHW (ONNX)',
        'input.size.height 8 (ONNX)',
        'input.size.width 224 (default)',
      ]),
    );
  });
});

describe('model.json', () => {
  it('may be empty', () => {
    expect(parseModelJson('{}')).toEqual({});
  });

  it('is refused with every wrong field named', () => {
    const text = JSON.stringify({ task: 'sound', input: { scale: 0, colour: 'BGR' } });
    expect(() => parseModelJson(text)).toThrow(invalid('colour'));
    expect(() => parseModelJson(text)).toThrow(invalid('task'));
    expect(() => parseModelJson(text)).toThrow(invalid('scale'));
    expect(() => parseModelJson('nonsense')).toThrow(invalid('not JSON'));
  });
});
