import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Runs the test files in the order of the command line: a list names the quickest first. */
class AsListed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      process.argv.findIndex((argument) => argument.endsWith('.ts') && moduleId.endsWith(argument));
    return files.sort((one, other) => place(one) - place(other));
  }
}

/** For the tests of a copy of the tree: `dist` is there already, and the first failure is enough. */
export default defineConfig({
  cacheDir: join(import.meta.dirname, '../../../t/cache'),
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 15_000,
    hookTimeout: 30_000,
    maxWorkers: 1,
    bail: 1,
    sequence: { sequencer: AsListed },
    // A test that fails on a busy machine alone, and not for want of the check, passes the second time.
    retry: 1,
    reporters: ['json'],
    outputFile: join(import.meta.dirname, '../../../t/results.json'),
  },
});
