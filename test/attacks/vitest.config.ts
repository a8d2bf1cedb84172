import { defineConfig } from 'vitest/config';

/** Load from this machine on a miner of this machine; `npm run test:attacks` takes some eight minutes. */
export default defineConfig({
  test: {
    include: ['test/attacks/**/*.attack.ts'],
    globalSetup: ['test/fixtures/build-once.ts'],
    fileParallelism: false,
    reporters: ['verbose'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
