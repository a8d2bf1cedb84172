import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LIVE_NETWORK_NOTICE } from '../../src/chain/validator-release.ts';
import { documents, ROOT } from './documents.ts';

const MOST_WORDS = 900;

const DOCUMENTS = documents();
const README = DOCUMENTS.get('README.md') ?? '';
const json = (path: string): { readonly version: string } =>
  JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

it(`the README has ${MOST_WORDS} words at most, code and tables included`, () => {
  const words = README.split(/\s+/).filter((word) => word !== '');
  expect(words.length).toBeGreaterThan(300);
  expect(words.length).toBeLessThanOrEqual(MOST_WORDS);
});

it('the README says of the live network what the notice to the unregistered says', () => {
  expect(README.replaceAll(/\s+(> )?/g, ' ')).toContain(LIVE_NETWORK_NOTICE);
});

it('the newest release in CHANGELOG.md is the version of the package', () => {
  const [, newest] =
    /^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$/m.exec(DOCUMENTS.get('CHANGELOG.md') ?? '') ?? [];
  expect(newest).toBe(json('package.json').version);
  expect(json('package-lock.json').version).toBe(newest);
});
