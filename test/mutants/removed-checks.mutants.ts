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
/** So many checks may go without a test that notices, each with its reason in the list. */
const SURVIVORS_LIMIT = 3;

const { MUTANTS: wanted = '', MUTANTS_JOBS: jobs, MUTANTS_OUT: outPath } = process.env;

it('each check that is removed fails a test', async () => {
  const selected = MUTANTS.filter(({ name, file }) => new RegExp(wanted).test(`${file} ${name}`));
  expect(selected.length, 'checks that MUTANTS selects').toBeGreaterThan(0);
  const failingAnyway = createBaseline();

  const left = [...selected];
  const outcomes: Outcome[] = [];
  const workers = Math.min(Number(jobs ?? availableParallelism()), selected.length);
  await Promise.all(
    Array.from({ length: workers }, async () => {
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
function createBaseline(): (file: string, copy: TreeCopy) => Promise<ReadonlySet<string>> {
  const known = new Map<string, Promise<ReadonlySet<string>>>();
  const look = async (file: string, copy: TreeCopy): Promise<ReadonlySet<string>> => {
    const { failed, timedOut } = await runTests(copy, [file], { timeLimitMs: TESTS_LIMIT_MS, bail: false });
    if (timedOut) throw new Error(`${file} does not end, though no check was removed`);
    return new Set(failed.map(({ name }) => name));
  };
  return (file, copy) => {
    const found = known.get(file) ?? look(file, copy);
    known.set(file, found);
    return found;
  };
}

async function judge(
  mutant: Mutant,
  copy: TreeCopy,
  failingAnyway: ReturnType<typeof createBaseline>,
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
  const limits = { timeLimitMs: TESTS_LIMIT_MS, bail: true };
  const { failed, passed, timedOut, words } = await runTests(copy, mutant.tests, limits).finally(restore);
  if (timedOut) return outcome('killed', 'the tests did not end');
  for (const { file, name } of failed) {
    if (!(await failingAnyway(file, copy)).has(name)) return outcome('killed', name);
  }
  if (failed.length > 0) return outcome('broken', `fails with the check in place, too: ${failed[0]?.name}`);
  return passed > 0 ? outcome('survived', mutant.reason ?? '') : outcome('broken', `no test ran: ${words}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
