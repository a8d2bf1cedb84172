import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** For the tests of a copy of the tree: `dist` is there already, and the first failure is enough. */
export default defineConfig({
  cacheDir: join(import.meta.dirname, '../../../t/cache'),
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 1,
    bail: 1,
    // A test that fails on a busy machine alone, and not for want of the check, passes the second time.
    retry: 1,
    reporters: ['json'],
    outputFile: join(import.meta.dirname, '../../../t/results.json'),
  },
});
