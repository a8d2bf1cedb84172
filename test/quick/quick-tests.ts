import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** What a quick test must not reach by its imports: processes, threads, the decoder of pictures, the development chain. */
const SLOW_MODULES: ReadonlySet<string> = new Set(['node:child_process', 'node:worker_threads', 'sharp']);
const SLOW_FOLDER = join('src', 'devnet');

/** Imports of values, `import type` left out: at the beginning of a file, for their effect, and later. */
const IMPORTS =
  /^(?:import|export)\s+(?!type\b)[^;'"]*?\sfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'/gm;

/** The tests of `npm test` that start no process and no thread, decode no media and run no development chain. */
export function quickTests(): readonly string[] {
  return testFiles().filter((path) => !reachesSlow(path, new Set()));
}

/** All test files of `npm test`, as paths in the checkout. */
export function testFiles(): readonly string[] {
  return readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

function reachesSlow(path: string, seen: Set<string>): boolean {
  seen.add(path);
  return importsOf(path).some((specifier) => {
    if (!specifier.startsWith('.')) return SLOW_MODULES.has(specifier);
    const target = normalize(join(dirname(path), specifier));
    if (target.startsWith(SLOW_FOLDER)) return true;
    return !seen.has(target) && existsSync(join(ROOT, target)) && reachesSlow(target, seen);
  });
}

function importsOf(path: string): readonly string[] {
  return [...readFileSync(join(ROOT, path), 'utf8').matchAll(IMPORTS)].map(
    ([, from, effect, later]) => from ?? effect ?? later ?? '',
  );
}
