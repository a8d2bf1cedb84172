import { defineConfig } from 'vitest/config';

/** Benchmarks print figures and assert only that the work was done; `npm run bench` runs them one by one. */
export default defineConfig({
  test: {
    include: ['test/bench/**/*.bench.ts'],
    globalSetup: ['test/fixtures/build-once.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
