import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { transformWithOxc } from 'vite';
import { isRunning } from '../fixtures/is-running.ts';
import { endProcessesOf } from './end-processes.ts';
import { type Mutant, mutate } from './mutant.ts';

/** A copy of the working tree in which checks are removed one at a time. The tree itself is never touched. */
export interface TreeCopy {
  readonly folder: string;
  /** Where the tests of the copy put their temporary files. */
  readonly temporaryFolder: string;
  /**
   * Removes the check, in `src` and in the built file that child processes and worker threads run.
   * @returns what puts the check back
   * @throws Error if the text of the check does not occur exactly once, or if what is left is not TypeScript
   */
  apply(mutant: Mutant): Promise<() => void>;
  remove(): void;
}

/** Folders that the copy does not need, or has as a link. */
const LEFT_OUT = new Set(['node_modules', '.git', 'coverage']);

const PREFIX = 'sn34-removed-checks-';

/** Removes the copies of runs that were killed, and ends what still runs in them. */
export function removeStaleCopies(): void {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    if (isRunning(Number(name.slice(PREFIX.length).split('-')[0]))) continue;
    const folder = join(tmpdir(), name);
    endProcessesOf(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies the tree at `root`, with its built `dist`. */
export function copyTree(root: string): TreeCopy {
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // Some tests look at their files as another user.
  chmodSync(folder, 0o755);
  cpSync(root, folder, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const temporaryFolder = join(folder, 't');
  mkdirSync(temporaryFolder);
  return {
    folder,
    temporaryFolder,
    async apply(mutant) {
      const source = join(folder, mutant.file);
      const built = source.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
      const [sourceText, builtText] = [readFileSync(source, 'utf8'), readFileSync(built, 'utf8')];
      const mutated = mutate(sourceText, mutant);
      const { code } = await transformWithOxc(mutated, source, {
        typescript: { rewriteImportExtensions: 'rewrite', onlyRemoveTypeImports: true },
        sourcemap: false,
      });
      writeFileSync(source, mutated);
      writeFileSync(built, code);
      return () => {
        writeFileSync(source, sourceText);
        writeFileSync(built, builtText);
      };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
