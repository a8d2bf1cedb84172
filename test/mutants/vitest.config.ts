import { defineConfig } from 'vitest/config';

/** Removes checks one by one; `npm run test:mutants` takes about an hour on two cores. */
export default defineConfig({
  test: {
    include: ['test/mutants/*.mutants.ts'],
    globalSetup: ['test/fixtures/build-once.ts'],
    reporters: ['verbose'],
    testTimeout: 4 * 3_600_000,
  },
});
