import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_DEFINITIONS } from '../../src/errors.ts';
import { parseModelJson } from '../../src/inference/contract/parse-model-json.ts';

const path = new URL('../../models/README.md', import.meta.url);

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
