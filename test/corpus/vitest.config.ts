import { defineConfig } from 'vitest/config';

/** Hostile files to a running miner; `npm run test:corpus` takes a minute. */
export default defineConfig({
  test: {
    include: ['test/corpus/**/*.corpus.ts'],
    globalSetup: ['test/fixtures/build-once.ts'],
    reporters: ['verbose'],
  },
});
