import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { COPY_MARK, endProcessesOf } from './end-processes.ts';
import type { TreeCopy } from './tree-copy.ts';

interface FailedTest {
  /** Path from the root of the repository. */
  readonly file: string;
  /** Its own name behind those of the groups that it is in. */
  readonly name: string;
}

/** What came of the tests of a copy. */
export interface TestRun {
  readonly failed: readonly FailedTest[];
  readonly passed: number;
  /** Whether the run had to be ended, since it did not end by itself. */
  readonly timedOut: boolean;
  /** Whether the run ended as a failure, for whatever reason. */
  readonly isFailure: boolean;
  /** The end of what the run wrote, for when no test ran at all. */
  readonly words: string;
}

const WORDS_LIMIT_CHARS = 2_000;

const RESULTS = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});

/**
 * Runs test files of a copy, one after the other. Every process that they leave behind is ended.
 * @param timeLimitMs for all of them together
 * @param bail whether the first failure ends the run
 */
export async function runTests(
  copy: TreeCopy,
  files: readonly string[],
  { timeLimitMs, bail }: { readonly timeLimitMs: number; readonly bail: boolean },
): Promise<TestRun> {
  const results = join(copy.temporaryFolder, 'results.json');
  rmSync(results, { force: true });
  const child = spawn(
    process.execPath,
    [
      join(copy.folder, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--config', 'test/mutants/in-copy/vitest.config.ts', '--root', copy.folder],
      ...(bail ? [] : ['--bail=0']),
      ...files,
    ],
    {
      cwd: copy.folder,
      env: { ...cleanEnvironment(), TMPDIR: copy.temporaryFolder, [COPY_MARK]: copy.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      words = `${words}${chunk}`.slice(-WORDS_LIMIT_CHARS);
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    endProcessesOf(copy.folder);
  }, timeLimitMs);
  const [exitCode] = await once(child, 'exit');
  clearTimeout(timer);
  endProcessesOf(copy.folder);
  return { ...readResults(results, copy), timedOut, isFailure: exitCode !== 0, words };
}

/** This run is itself one of vitest, whose variables would reach the runs that it starts. */
function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|VITE_|NODE_ENV$|TEST$|MUTANTS)/.test(name)),
  );
}

function readResults(path: string, { folder }: TreeCopy): Pick<TestRun, 'failed' | 'passed'> {
  if (!existsSync(path)) return { failed: [], passed: 0 };
  const { numPassedTests, testResults } = RESULTS.parse(JSON.parse(readFileSync(path, 'utf8')));
  const failed = testResults.flatMap(({ name: path, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => ({ file: relative(folder, path), name: fullName.trim() })),
  );
  return { failed, passed: numPassedTests };
}
