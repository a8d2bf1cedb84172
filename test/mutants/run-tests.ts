import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { TreeCopy } from './tree-copy.ts';

/** What came of the tests of a copy. */
export interface TestRun {
  /** Full names of the tests that failed. */
  readonly failed: readonly string[];
  readonly passed: number;
  /** Whether the run had to be ended, since it did not end by itself. */
  readonly timedOut: boolean;
  /** The end of what the run wrote, for when no test ran at all. */
  readonly words: string;
}

const MARK = 'SN34_MUTANTS_COPY';
const WORDS_LIMIT_CHARS = 2_000;

const RESULTS = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});

/**
 * Runs test files of a copy, one after the other, up to the first failure. Every process that they leave behind is ended.
 * @param timeLimitMs for all of them together
 */
export async function runTests(
  copy: TreeCopy,
  files: readonly string[],
  { timeLimitMs, bail = true }: { readonly timeLimitMs: number; readonly bail?: boolean },
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
      env: { ...cleanEnvironment(), TMPDIR: copy.temporaryFolder, [MARK]: copy.folder },
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
    endProcessesOf(copy);
  }, timeLimitMs);
  await once(child, 'exit');
  clearTimeout(timer);
  endProcessesOf(copy);
  return { ...readResults(results), timedOut, words };
}

/** This run is itself one of vitest, whose variables would reach the runs that it starts. */
function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|VITE_|NODE_ENV$|TEST$|MUTANTS)/.test(name)),
  );
}

function readResults(path: string): Pick<TestRun, 'failed' | 'passed'> {
  if (!existsSync(path)) return { failed: [], passed: 0 };
  const { numPassedTests, testResults } = RESULTS.parse(JSON.parse(readFileSync(path, 'utf8')));
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName.trim()),
  );
  return { failed, passed: numPassedTests };
}

/** Ends what bears the mark of the copy in its environment, also if it has left the group of the run. */
function endProcessesOf(copy: TreeCopy): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      if (environment.includes(`${MARK}=${copy.folder}`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended, or belongs to another user.
    }
  }
}
