import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TABLES, withTables } from './tables.ts';

const ROOT = join(import.meta.dirname, '../..');

it.each(Object.entries(TABLES))(
  'the tables of %s are those of the code (npm run docs writes them)',
  async (path, tables) => {
    const document = join(ROOT, path);
    await expect(withTables(readFileSync(document, 'utf8'), tables)).toMatchFileSnapshot(document);
  },
);

it('a document without the comments around a table is an error', () => {
  expect(() => withTables('text', { fields: () => 'rows' })).toThrow('no place for the table "fields"');
});
