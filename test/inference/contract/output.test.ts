import { describe, expect, it } from 'vitest';
import { createContractLedger } from '../../../src/inference/contract/ledger.ts';
import type { ModelJson, Task } from '../../../src/inference/contract/model-json.ts';
import { chooseOutput, classCount, locateMask, mergeOutput } from '../../../src/inference/contract/output.ts';
import { refusal } from '../refused-model.ts';

type OutputJson = NonNullable<ModelJson['output']>;

const merge = (shape: readonly number[], output: OutputJson = {}, task: Task = 'image') =>
  mergeOutput({ output }, task, { name: 'y', shape, batch: 1 }, createContractLedger());
const mask = (output: OutputJson, shape: readonly number[] = [1, 1, 4, 4]) => merge(shape, output, 'mask');

describe('the output contract', () => {
  it('an output is logits in the order of the wire unless model.json says otherwise', () => {
    expect(merge([1, 3])).toEqual({
      kind: 'logits',
      name: 'y',
      classes: ['real', 'synthetic', 'semisynthetic'],
      temperature: 1,
      decision: 'argmax',
    });
    expect(merge([1, 2])).toMatchObject({ classes: ['real', 'fake'] });
    expect(merge([1, 1], { kind: 'sigmoid' })).toMatchObject({ classes: ['fake'] });
    const said = {
      classes: ['real', 'semisynthetic', 'synthetic'],
      temperature: 2,
      decision: 'binary-first',
    };
    expect(merge([1, 3], said as OutputJson)).toMatchObject(said);
  });

  it('a mask is hard with a threshold of one half unless model.json says otherwise', () => {
    expect(mask({})).toEqual({
      kind: 'mask',
      name: 'y',
      activation: 'none',
      resize: 'bilinear',
      hardness: { mode: 'hard', threshold: 0.5 },
    });
    expect(mask({ maskActivation: 'softmax', maskResize: 'nearest', mask: 'soft' }, [1, 2, 4, 4])).toEqual({
      kind: 'mask',
      name: 'y',
      activation: 'softmax',
      resize: 'nearest',
      hardness: { mode: 'soft' },
    });
  });

  it('an output is refused if model.json, the use of the model and the first run contradict each other', () => {
    const cases: [() => unknown, ...string[]][] = [
      [() => merge([1, 3], { classes: ['real', 'fake'] }), 'real, fake, which are 2', 'y has 3'],
      [() => merge([1, 2], { kind: 'sigmoid' }), 'sigmoid', 'y has 2'],
      [() => merge([1, 2], { threshold: 0.4 }), 'output.threshold', 'logits'],
      [() => merge([1, 2], { mask: 'soft' }), 'output.mask', 'logits'],
      [() => merge([1, 2], { kind: 'mask' }), 'mask', 'image'],
      [() => merge([1, 2], { kind: 'probabilities', temperature: 2 }), 'output.temperature', 'probabilities'],
      [() => mask({ kind: 'logits' }), 'logits', 'mask'],
      [() => mask({ classes: ['real'], decision: 'argmax' }), 'output.classes, output.decision', 'mask'],
      [() => mask({}, [1, 2, 4, 4]), '[1, 2, 4, 4]', 'softmax'],
      [() => mask({ maskActivation: 'softmax' }), 'softmax', '[1, 1, 4, 4]'],
    ];
    for (const [attempt, ...parts] of cases)
      expect(attempt).toThrow(refusal('MODEL_CONTRADICTION', ...parts));
  });

  it('an output is refused if model.json contradicts itself', () => {
    const cases: [() => unknown, ...string[]][] = [
      [() => merge([1, 2], { classes: ['real', 'real'] }), 'twice'],
      [() => merge([1, 3], { classes: ['real', 'synthetic', 'fake'] }), 'synthetic'],
      [() => merge([1, 2], { classes: ['synthetic', 'semisynthetic'] }), 'none of them real'],
      [() => mask({ mask: 'soft', threshold: 0.4 }), 'soft', 'output.threshold'],
    ];
    for (const [attempt, ...parts] of cases) expect(attempt).toThrow(refusal('MODEL_JSON_INVALID', ...parts));
  });

  it('an output is refused if it cannot become an answer', () => {
    const cases: [() => unknown, ...string[]][] = [
      [() => merge([1, 5]), '5 numbers'],
      [() => merge([1, 1]), 'sigmoid'],
      [() => merge([1, 3, 4, 4]), '[1, 3, 4, 4]', '[N, classes]'],
      [() => mask({}, [1, 3, 4, 4]), '[1, 3, 4, 4]', '[1,1,H,W]'],
      [() => mask({}, [1, 0, 4]), '[1, 0, 4]'],
    ];
    for (const [attempt, ...parts] of cases) expect(attempt).toThrow(refusal('MODEL_INVALID', ...parts));
  });

  it('all usual shapes of detectors and masks are recognised', () => {
    expect([classCount([8, 3], 8), classCount([8], 8), classCount([3], 1)]).toEqual([3, 1, 3]);
    for (const shape of [
      [1, 1, 4, 6],
      [1, 4, 6, 1],
      [1, 4, 6],
      [4, 6],
    ]) {
      expect(locateMask(shape, 'none')).toEqual({ height: 4, width: 6, channels: 1, interleaved: false });
    }
    const two = { height: 4, width: 6, channels: 2 };
    expect(locateMask([1, 2, 4, 6], 'softmax')).toEqual({ ...two, interleaved: false });
    expect(locateMask([1, 4, 6, 2], 'softmax')).toEqual({ ...two, interleaved: true });
  });

  it('the answer is the output that model.json names, or the only one', () => {
    const choose = (name: string | undefined, names: string[]) =>
      chooseOutput({ output: name === undefined ? {} : { name } }, names, createContractLedger());
    expect(choose(undefined, ['a'])).toBe('a');
    expect(choose('b', ['a', 'b'])).toBe('b');
    expect(() => choose(undefined, ['a', 'b'])).toThrow(refusal('MODEL_INVALID', 'a, b', 'output.name'));
    expect(() => choose('c', ['a', 'b'])).toThrow(refusal('MODEL_CONTRADICTION', 'output.name c', 'a, b'));
    expect(() => choose(undefined, [])).toThrow(refusal('MODEL_INVALID', 'no output'));
  });
});
