import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { documents, prose, ROOT } from './documents.ts';

const DOCUMENTS = documents();

/** The anchors of a document: its headings as a link spells them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(/^```\w*\n.*?^```$/gms, '').match(/^#+ .*$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The links of a document to other places of the project. */
function linksOf(text: string): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target));
}

function isBroken(document: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? document : normalize(join(dirname(document), path));
  if (!existsSync(join(ROOT, file))) return true;
  return anchor !== undefined && !anchorsOf(DOCUMENTS.get(file) ?? '').has(anchor);
}

it.each([...DOCUMENTS])('every link of %s leads to a file and a heading that exist', (path, text) => {
  expect(linksOf(text).filter((target) => isBroken(path, target))).toEqual([]);
});

it('links are found, with their headings', () => {
  expect(linksOf(DOCUMENTS.get('README.md') ?? '')).toContain('docs/errors.md');
  expect(isBroken('README.md', 'docs/errors.md#exit-codes')).toBe(false);
  expect(isBroken('README.md', 'docs/errors.md#no-such-heading')).toBe(true);
  expect(isBroken('README.md', 'docs/no-such-file.md')).toBe(true);
});

it('every page of docs is reached from the README', () => {
  const links = linksOf(DOCUMENTS.get('README.md') ?? '').map((target) => target.replace(/#.*/, ''));
  const pages = [...DOCUMENTS.keys()].filter((path) => path.startsWith('docs/'));
  expect(pages.filter((page) => !links.includes(page))).toEqual([]);
});
