import { defineConfig } from 'vitest/config';

/** A month of a miner's life under a real pm2, on the development chain: `npm run test:month`. */
export default defineConfig({
  test: {
    include: ['test/month/**/*.month.ts'],
    globalSetup: ['test/fixtures/build-once.ts', 'test/month/install-pm2.ts'],
    fileParallelism: false,
    // Names each test that ran and each that was skipped.
    reporters: ['verbose'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
