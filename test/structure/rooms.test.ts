import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const FILES_OF_A_FOLDER = 15;
const LINES_OF_A_FILE = 400;
/** Rooms of the development chain: each knows those after it. */
const DEVNET_ROOMS = [
  'src/devnet',
  'src/devnet/control',
  'src/devnet/rpc',
  'src/devnet/runtime',
  'src/devnet/ledger',
];

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .map((name) => join('src', name))
  .filter((path) => path.endsWith('.ts'));

/** The files of the project that each file imports, at its beginning or later. */
const imports = new Map(
  sources.map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const specifiers = [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(
      ([, specifier = '']) => specifier,
    );
    return [path, specifiers.map((specifier) => normalize(join(dirname(path), specifier)))];
  }),
);

/** A way from a file back to itself, if there is one. */
function findCycle(): string[] {
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of imports.get(path) ?? []) {
      const cycle = walk(next, [...way, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const path of sources) {
    const cycle = walk(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

it('imports of the source form no cycle', () => {
  expect(findCycle()).toEqual([]);
});

it(`no folder of the source has more than ${FILES_OF_A_FOLDER} files`, () => {
  const folders = [...new Set(sources.map((path) => dirname(path)))];
  const full = folders.filter(
    (folder) =>
      readdirSync(join(ROOT, folder)).filter((name) => statSync(join(ROOT, folder, name)).isFile()).length >
      FILES_OF_A_FOLDER,
  );
  expect(full).toEqual([]);
});

it(`no file of the source has more than ${LINES_OF_A_FILE} lines`, () => {
  const long = sources.filter(
    (path) => readFileSync(join(ROOT, path), 'utf8').split('\n').length > LINES_OF_A_FILE,
  );
  expect(long).toEqual([]);
});

it('the rooms of the development chain look one way', () => {
  const back = [...imports].flatMap(([path, targets]) =>
    targets
      .filter((target) => {
        const [from, to] = [DEVNET_ROOMS.indexOf(dirname(path)), DEVNET_ROOMS.indexOf(dirname(target))];
        return from >= 0 && to >= 0 && to < from;
      })
      .map((target) => `${path} imports ${target}`),
  );
  expect(back).toEqual([]);
});
