import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_DEFINITIONS } from '../../src/errors.ts';
import { modelJsonSchema } from '../../src/inference/contract/model-json.ts';
import { parseModelJson } from '../../src/inference/contract/parse-model-json.ts';

const path = new URL('../../models/README.md', import.meta.url);
const START = '<!-- fields: from the code -->\n';
const END = '<!-- end of fields -->';

/** `UPDATE_README=1 npx vitest run test/models` writes it anew. */
it('the README of the models has a row for every field of model.json, and no other', () => {
  const { task, input, output } = modelJsonSchema.shape;
  const rows = [
    '| field | meaning |',
    '|---|---|',
    ...fields('', { task }),
    ...fields('input.', input.unwrap().shape),
    ...fields('output.', output.unwrap().shape),
  ];
  const table = `${rows.join('\n')}\n`;
  const readme = readFileSync(path, 'utf8');
  const [from, to] = [readme.indexOf(START) + START.length, readme.indexOf(END)];
  if (process.env.UPDATE_README === '1') {
    writeFileSync(path, readme.slice(0, from) + table + readme.slice(to));
    return;
  }
  expect(readme.slice(from, to)).toBe(table);
});

it('the example of a model.json in the README is valid', () => {
  const [, example = ''] = /```json\n(.*?)```/s.exec(readFileSync(path, 'utf8')) ?? [];
  expect(parseModelJson(example)).toHaveProperty('output.classes', ['fake', 'real']);
});

it('the README of the models names every code that a model itself is refused with', () => {
  const readme = readFileSync(path, 'utf8');
  const others = ['MODEL_COPY_FAILED', 'MODEL_DEVICE_UNAVAILABLE', 'MODEL_UNAVAILABLE', 'MODEL_WARMING'];
  const codes = Object.keys(ERROR_DEFINITIONS).filter(
    (code) => code.startsWith('MODEL_') && !others.includes(code),
  );
  for (const code of codes) expect(readme).toContain(`| \`${code}\` |`);
});

function fields(
  prefix: string,
  shape: Readonly<Record<string, { meta(): { description?: string | undefined } | undefined }>>,
): string[] {
  return Object.entries(shape).map(
    ([key, field]) => `| \`${prefix}${key}\` | ${field.meta()?.description} |`,
  );
}
