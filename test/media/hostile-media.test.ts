import { expect, it } from 'vitest';
import { makeHostileMedia } from '../fixtures/hostile-media.ts';
import { faultsOf, sendHostileFiles } from '../fixtures/hostile-run.ts';

/** All of them are in test/corpus. */
const SHARE = 10;

it('a hostile file gets an answer or a coded refusal, and leaves nothing behind', async () => {
  const files = await makeHostileMedia({ seed: 34, damagedPerFormat: 3 });
  const some = files.filter((_, index) => index % SHARE === 0);
  const run = await sendHostileFiles(some);
  expect(run.outcomes.length).toBeGreaterThanOrEqual(30);
  expect(faultsOf(run)).toEqual([]);
}, 240_000);
