import { describe, expect, it } from 'vitest';
import { parseModelJson } from '../../../src/inference/contract/parse-model-json.ts';
import { refusal } from '../refused-model.ts';

const parse = (value: unknown) => () => parseModelJson(JSON.stringify(value));

describe('model.json', () => {
  it('model.json may be empty', () => {
    expect(parseModelJson('{}')).toEqual({});
    expect(parseModelJson('\uFEFF{ "task": "image" }')).toEqual({ task: 'image' });
  });

  it('a model.json with wrong fields is refused, and every field is named', () => {
    const value = {
      task: 'sound',
      input: { scale: 0, size: 224, std: [1, 1, 0], frameStride: 'all' },
      output: { temperature: 0, decision: 'real-first', classes: ['cat'] },
    };
    for (const field of [
      'task: ',
      'input.scale: ',
      'input.size: expected {"height": 224, "width": 224}',
      'input.std.2: ',
      'input.frameStride: expected "even" or a whole number',
      'output.temperature: ',
      'output.decision: ',
      'output.classes.0: ',
    ]) {
      expect(parse(value)).toThrow(refusal('MODEL_JSON_INVALID', field));
    }
  });

  it('an unknown field is refused, with the field that was probably meant', () => {
    const cases = [
      [{ input: { layuot: 'NCHW' } }, 'input.layuot: unknown field; did you mean input.layout?'],
      [{ layout: 'NCHW' }, 'layout: unknown field; did you mean input.layout?'],
      [{ output: { mean: [0, 0, 0] } }, 'output.mean: unknown field; did you mean input.mean?'],
      [{ outputs: {} }, 'outputs: unknown field; did you mean output?'],
      [{ input: { size: { height: 8, width: 8, depth: 8 } } }, 'input.size'],
    ] as const;
    for (const [value, words] of cases) expect(parse(value)).toThrow(refusal('MODEL_JSON_INVALID', words));
    const nothingNear = parse({ input: { colourOrder: 'BGR' } });
    expect(nothingNear).toThrow(refusal('MODEL_JSON_INVALID', 'input.colourOrder: unknown field'));
    expect(nothingNear).not.toThrow('did you mean');
  });

  it('a model.json that is not JSON or no object is refused', () => {
    expect(() => parseModelJson('nonsense')).toThrow(refusal('MODEL_JSON_INVALID', 'not JSON'));
    expect(() => parseModelJson('')).toThrow(refusal('MODEL_JSON_INVALID', 'not JSON'));
    expect(parse([1])).toThrow(refusal('MODEL_JSON_INVALID', 'expected object'));
  });
});
