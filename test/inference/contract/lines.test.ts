import { expect, it } from 'vitest';
import { mergeInput } from '../../../src/inference/contract/input.ts';
import { createContractLedger } from '../../../src/inference/contract/ledger.ts';
import { contractLines } from '../../../src/inference/contract/lines.ts';
import type { ModelJson, Task } from '../../../src/inference/contract/model-json.ts';
import { chooseOutput, mergeOutput } from '../../../src/inference/contract/output.ts';

function lines(
  task: Task,
  json: ModelJson | undefined,
  input: { shape: readonly (number | string)[]; type: string },
  answer: readonly number[],
): string[] {
  const ledger = createContractLedger();
  const contract = {
    task,
    input: mergeInput(json, task, [{ name: 'x', ...input }], ledger),
    output: mergeOutput(
      json,
      task,
      { name: chooseOutput(json, ['y'], ledger), shape: answer, batch: 1 },
      ledger,
    ),
    origins: ledger.origins,
  };
  return contractLines(contract).map(({ field, value, origin }) => `${field} ${value} (${origin})`);
}

it('each line of a contract says where it comes from', () => {
  const json = {
    task: 'image',
    input: { layout: 'NCHW', size: { height: 8, width: 8 }, scale: 1, mean: [1, 2, 3] },
    output: { classes: ['fake', 'real'], decision: 'binary-first' },
  } satisfies ModelJson;
  expect(lines('video', json, { shape: ['N', 3, 8, 'W'], type: 'float32' }, [1, 2])).toEqual([
    'task video (model.json)',
    'input.name x (ONNX)',
    'input.layout NCHW (model.json)',
    'input.dtype float32 (ONNX)',
    'input.size.height 8 (model.json)',
    'input.size.width 8 (model.json)',
    'input.fit cover (default)',
    'input.frames 16 (default)',
    'input.frameStride even (default)',
    'input.scale 1 (model.json)',
    'input.mean 1,2,3 (model.json)',
    'input.std 1,1,1 (default)',
    'output.name y (ONNX)',
    'output.kind logits (default)',
    'output.classes fake,real (model.json)',
    'output.temperature 1 (default)',
    'output.decision binary-first (model.json)',
  ]);
});

it('a contract without a model.json comes from the ONNX file and from defaults', () => {
  expect(lines('mask', undefined, { shape: ['N', 3, 8, 'W'], type: 'uint8' }, [1, 1, 8, 8])).toEqual([
    'task mask (default)',
    'input.name x (ONNX)',
    'input.layout NCHW (ONNX)',
    'input.dtype uint8 (ONNX)',
    'input.size.height 8 (ONNX)',
    'input.size.width 512 (default)',
    'input.fit stretch (default)',
    'input.frames 1 (default)',
    'input.scale 1 (default)',
    'input.mean 0,0,0 (default)',
    'input.std 1,1,1 (default)',
    'output.name y (ONNX)',
    'output.kind mask (default)',
    'output.maskActivation none (default)',
    'output.maskResize bilinear (default)',
    'output.mask hard (default)',
    'output.threshold 0.5 (default)',
  ]);
});

it('a native size is one line', () => {
  const json: ModelJson = { input: { size: 'native' } };
  expect(lines('image', json, { shape: ['N', 3, 'H', 'W'], type: 'uint8' }, [1, 3])).toEqual(
    expect.arrayContaining(['input.size native (model.json)', 'input.fit native (default)']),
  );
});
