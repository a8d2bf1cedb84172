import { defineConfig } from 'vitest/config';

/** The Python SDK as the other side; `npm run test:interop` makes its virtual environments first. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.interop.ts'],
    globalSetup: ['test/fixtures/build-once.ts', 'test/interop/python-environments.ts'],
    fileParallelism: false,
    // Names each test that ran and each that was skipped.
    reporters: ['verbose'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
