import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { documents, ROOT } from './documents.ts';

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n');

/** The messages in the first column of the table below a heading. */
function messagesBelow(heading: string, text: string): string[] {
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const cells = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message));
}

it.each([
  ['CONTRIBUTING.md', 'What is logged when', 20],
  ['docs/operations.md', 'The log', 3],
])('the log messages that %s lists below "%s" are those of the source', (path, heading, least) => {
  const messages = messagesBelow(heading, documents().get(path) ?? '');
  expect(messages.length).toBeGreaterThanOrEqual(least);
  expect(messages.filter((message) => !sources.includes(`'${message}'`))).toEqual([]);
});
