import { defineConfig } from 'vitest/config';
import { quickTests } from './quick-tests.ts';

/** Tests that need no build, no process, no media and no chain: for while one writes. */
export default defineConfig({
  test: {
    include: [...quickTests()],
    setupFiles: ['test/quick/forbid-children.ts'],
    maxWorkers: 2,
  },
});
