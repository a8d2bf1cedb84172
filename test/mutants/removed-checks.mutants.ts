import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MUTANTS } from './list.ts';
import type { Mutant } from './mutant.ts';
import { type Outcome, outcomeLine, resultDocument, summaryLine } from './report.ts';
import { runTests } from './run-tests.ts';
import { copyTree, type TreeCopy } from './tree-copy.ts';

const ROOT = join(import.meta.dirname, '../..');
const TESTS_LIMIT_MS = 300_000;
const BASELINE_LIMIT_MS = 1_800_000;
/** So many checks may go without a test that notices, each with its reason in the list. */
const SURVIVORS_LIMIT = 3;

const { MUTANTS: wanted = '', MUTANTS_JOBS: jobs, MUTANTS_OUT: outPath } = process.env;

it('each check that is removed fails a test', async () => {
  const selected = MUTANTS.filter(({ name, file }) => new RegExp(wanted).test(`${file} ${name}`));
  expect(selected.length, 'checks that MUTANTS selects').toBeGreaterThan(0);
  const failing = await failingAnyway(selected);
  say(
    `${selected.length} checks; tests that fail with all of them in place: ${[...failing].join('; ') || 'none'}`,
  );

  const left = [...selected];
  const outcomes: Outcome[] = [];
  const workers = Math.min(Number(jobs ?? availableParallelism()), selected.length);
  await Promise.all(
    Array.from({ length: workers }, async () => {
      const copy = copyTree(ROOT);
      try {
        for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
          const outcome = await judge(mutant, copy, failing);
          outcomes.push(outcome);
          say(outcomeLine(outcome));
        }
      } finally {
        copy.remove();
      }
    }),
  );
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

/** Tests that fail in a copy from which nothing was removed: their failures show nothing. */
async function failingAnyway(selected: readonly Mutant[]): Promise<ReadonlySet<string>> {
  const copy = copyTree(ROOT);
  try {
    const files = [...new Set(selected.flatMap(({ tests }) => tests))];
    const run = await runTests(copy, files, { timeLimitMs: BASELINE_LIMIT_MS, bail: false });
    if (run.timedOut || run.passed === 0) throw new Error(`the tests do not run in a copy:\n${run.words}`);
    return new Set(run.failed);
  } finally {
    copy.remove();
  }
}

async function judge(mutant: Mutant, copy: TreeCopy, failing: ReadonlySet<string>): Promise<Outcome> {
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
    const { failed, passed, timedOut, words } = await runTests(copy, mutant.tests, {
      timeLimitMs: TESTS_LIMIT_MS,
    });
    if (timedOut) return outcome('killed', 'the tests did not end');
    const [noticed] = failed.filter((name) => !failing.has(name));
    if (noticed !== undefined) return outcome('killed', noticed);
    return passed > 0 ? outcome('survived', mutant.reason ?? '') : outcome('broken', `no test ran: ${words}`);
  } finally {
    restore();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
