import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/fixtures/build-once.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Media, inference and devnet tests start child processes of their own: more files at once than this
    // only makes them wait for each other on a small machine.
    maxWorkers: 2,
  },
});
