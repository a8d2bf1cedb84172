import { defineConfig } from 'vitest/config';

/** The example models through the running miner, on media that validators could have sent: `npm run test:acceptance`. */
export default defineConfig({
  test: {
    include: ['test/acceptance/**/*.acceptance.ts'],
    globalSetup: ['test/fixtures/build-once.ts'],
    fileParallelism: false,
    reporters: ['verbose'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
