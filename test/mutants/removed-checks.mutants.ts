import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MUTANTS } from './list.ts';
import type { Mutant } from './mutant.ts';
import { type Outcome, outcomeLine, resultDocument, summaryLine } from './report.ts';
import { runTests, type TestRun } from './run-tests.ts';
import { copyTree, removeStaleCopies, type TreeCopy } from './tree-copy.ts';

const ROOT = join(import.meta.dirname, '../..');
const TESTS_LIMIT_MS = 300_000;
/** So many checks may go without a test that notices, each with its reason in the list. */
const SURVIVORS_LIMIT = 3;

const { MUTANTS: wanted = '', MUTANTS_JOBS: jobs, MUTANTS_OUT: outPath } = process.env;

it('each check that is removed fails a test', async () => {
  const selected = MUTANTS.filter(({ name, file }) => new RegExp(wanted).test(`${file} ${name}`));
  expect(selected.length, 'checks that MUTANTS selects').toBeGreaterThan(0);

  const left = [...selected];
  const outcomes: Outcome[] = [];
  removeStaleCopies();
  const pristine = copyTree(ROOT);
  const failingAnyway = createBaseline(pristine);
  const work = async () => {
    const copy = copyTree(ROOT);
    try {
      for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
        const outcome = await judge(mutant, copy, failingAnyway);
        outcomes.push(outcome);
        say(outcomeLine(outcome));
      }
    } finally {
      copy.remove();
    }
  };
  const workers = Math.min(Number(jobs ?? availableParallelism()), selected.length);
  await Promise.all(Array.from({ length: workers }, work)).finally(pristine.remove);
  outcomes.sort((a, b) => selected.indexOf(a.mutant) - selected.indexOf(b.mutant));
  say(summaryLine(outcomes));
  if (outPath !== undefined) {
    writeFileSync(outPath, resultDocument(outcomes, new Date().toISOString().slice(0, 10)));
  }

  const survivors = outcomes.filter(({ verdict }) => verdict === 'survived').map(({ mutant }) => mutant);
  expect(
    outcomes.filter(({ verdict }) => verdict === 'broken').map(({ mutant, by }) => [mutant.name, by]),
  ).toEqual([]);
  expect(survivors.filter(({ reason }) => reason === undefined).map(({ name }) => name)).toEqual([]);
  expect(survivors.length).toBeLessThanOrEqual(SURVIVORS_LIMIT);
});

/**
 * Tells which tests of a file fail with every check in place: their failures show nothing.
 * @param copy one from which nothing is removed; one file after the other runs in it
 */
function createBaseline(copy: TreeCopy): (file: string) => Promise<ReadonlySet<string>> {
  const known = new Map<string, Promise<ReadonlySet<string>>>();
  let before: Promise<unknown> = Promise.resolve();
  const look = async (file: string): Promise<ReadonlySet<string>> => {
    const { failed, timedOut } = await runTests(copy, [file], { timeLimitMs: TESTS_LIMIT_MS, bail: false });
    if (timedOut) throw new Error(`${file} does not end, though no check was removed`);
    return new Set(failed.map(({ name }) => name));
  };
  return (file) => {
    const found = known.get(file) ?? before.then(() => look(file));
    known.set(file, found);
    before = found.catch(() => undefined);
    return found;
  };
}

async function judge(
  mutant: Mutant,
  copy: TreeCopy,
  failingAnyway: (file: string) => Promise<ReadonlySet<string>>,
): Promise<Outcome> {
  const startedAtMs = performance.now();
  const outcome = (verdict: Outcome['verdict'], by: string): Outcome => ({
    mutant,
    verdict,
    by,
    tookMs: performance.now() - startedAtMs,
  });
  let restore: () => void;
  try {
    restore = await copy.apply(mutant);
  } catch (error) {
    return outcome('broken', error instanceof Error ? error.message : String(error));
  }
  try {
    // The first failure is enough, unless it shows nothing.
    for (const bail of [true, false]) {
      const run = await runTests(copy, mutant.tests, { timeLimitMs: TESTS_LIMIT_MS, bail });
      if (run.timedOut) return outcome('killed', 'the tests did not end');
      const noticed = await firstThatNoticed(run.failed, failingAnyway);
      if (noticed !== undefined) return outcome('killed', noticed);
      if (run.failed.length > 0) continue;
      if (run.isFailure && run.passed > 0) return outcome('killed', 'the tests broke off');
      return run.passed > 0 ? outcome('survived', mutant.reason ?? '') : outcome('broken', run.words);
    }
    return outcome('survived', mutant.reason ?? '');
  } finally {
    restore();
  }
}

/** The name of the first failure that has to do with the check. */
async function firstThatNoticed(
  failed: TestRun['failed'],
  failingAnyway: (file: string) => Promise<ReadonlySet<string>>,
): Promise<string | undefined> {
  for (const { file, name } of failed) if (!(await failingAnyway(file)).has(name)) return name;
  return undefined;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
