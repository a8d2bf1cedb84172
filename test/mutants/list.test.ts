import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './list.ts';
import { mutate, occurrences } from './mutant.ts';

const ROOT = join(import.meta.dirname, '../..');
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('the list of checks that are removed one by one', () => {
  it('has at least eighty', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(80);
  });

  it('names each check once', () => {
    const names = MUTANTS.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    'finds the check once: %s',
    (_, mutant) => {
      expect(existsSync(join(ROOT, mutant.file)), mutant.file).toBe(true);
      expect(occurrences(textOf(mutant.file), mutant.find), mutant.find).toBe(1);
      expect(mutate(textOf(mutant.file), mutant)).not.toBe(textOf(mutant.file));
    },
  );

  it('names tests that exist', () => {
    const files = new Set(MUTANTS.flatMap(({ tests }) => tests));
    expect([...files].filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(MUTANTS.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });
});

describe('a mutant', () => {
  const mutant = { name: 'n', file: 'f', find: 'a+b', replace: '$&', tests: [] };

  it('replaces the text as it stands', () => {
    expect(mutate('x a+b y', mutant)).toBe('x $& y');
  });

  it.each(['x', 'a+b a+b'])('is refused if its text is not there exactly once: %s', (source) => {
    expect(() => mutate(source, mutant)).toThrow('f has');
  });
});
