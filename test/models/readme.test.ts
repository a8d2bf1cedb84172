import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { modelJsonSchema } from '../../src/inference/model-json.ts';
import { parseModelJson } from '../../src/inference/parse-model-json.ts';

const readme = readFileSync(new URL('../../models/README.md', import.meta.url), 'utf8');

it('the README of the models has a row for every field of model.json, and no other', () => {
  const { task, input, output } = modelJsonSchema.shape;
  const rows = [
    ...fields('', { task }),
    ...fields('input.', input.unwrap().shape),
    ...fields('output.', output.unwrap().shape),
  ];
  const table = readme.split('\n').filter((line) => line.startsWith('| `'));
  expect(table.map((line) => line.replace(/ +/g, ' '))).toEqual(rows);
});

it('the example of a model.json in the README is valid', () => {
  const [, example = ''] = /```json\n(.*?)```/s.exec(readme) ?? [];
  expect(parseModelJson(example)).toHaveProperty('output.classes', ['fake', 'real']);
});

function fields(
  prefix: string,
  shape: Readonly<Record<string, { meta(): { description?: string | undefined } | undefined }>>,
): string[] {
  return Object.entries(shape).map(
    ([key, field]) => `| \`${prefix}${key}\` | ${field.meta()?.description} |`,
  );
}
