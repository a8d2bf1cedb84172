import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { quickTests, testFiles } from './quick-tests.ts';

const QUICK = quickTests();

it('the quick tests are most of those that start nothing, and come from many rooms', () => {
  expect(QUICK.length).toBeGreaterThan(60);
  expect(new Set(QUICK.map((path) => path.split('/')[1])).size).toBeGreaterThan(15);
  expect(QUICK).toContain('test/admission/scheduler.test.ts');
  expect(QUICK).toContain('test/documents/links.test.ts');
});

it('no test of a whole miner, a script, the development chain or a long run is a quick one', () => {
  const slow = testFiles().filter((path) => /^test\/(e2e|scripts|devnet|soak)\//.test(path));
  expect(slow.length).toBeGreaterThan(10);
  expect(QUICK.filter((path) => slow.includes(path))).toEqual([]);
});

it('a process that a quick test starts is a failure', async () => {
  await import('./forbid-children.ts');
  expect(() => spawnSync('true')).toThrow('a quick test must not start a process (spawnSync)');
});
