import { expect, it } from 'vitest';
import { HOSTILE_FORMATS } from '../fixtures/hostile/bytes.ts';
import { makeHostileMedia } from '../fixtures/hostile-media.ts';
import { faultsOf, sendHostileFiles, tableOf } from '../fixtures/hostile-run.ts';

it('no hostile file ends a process, gets an answer without a code, leaves anything behind or sees a path', async () => {
  const files = await makeHostileMedia({ seed: Number(process.env.CORPUS_SEED ?? 34), damagedPerFormat: 24 });
  for (const format of HOSTILE_FORMATS) {
    expect(files.filter((file) => file.format === format).length, format).toBeGreaterThanOrEqual(20);
  }
  expect(files.length).toBeGreaterThanOrEqual(300);
  const run = await sendHostileFiles(files);
  process.stdout.write(tableOf(run));
  expect(faultsOf(run)).toEqual([]);
}, 900_000);
