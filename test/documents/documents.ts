import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** The documents of the project by their paths in the checkout. */
export function documents(): ReadonlyMap<string, string> {
  const folders = ['docs', 'models', 'src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }),
  );
  const paths = [...readdirSync(ROOT, { withFileTypes: true }), ...folders]
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !/node_modules|\.venv|^models\/training\/(runs|data)\//.test(path));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

/** The code blocks of a document in the given languages. */
export function codeBlocks(text: string, languages: readonly string[]): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, language = '']) => languages.includes(language))
    .map(([, , block = '']) => block);
}

/** A document without its code. */
export function prose(text: string): string {
  return text.replace(/^```\w*\n.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');
}
