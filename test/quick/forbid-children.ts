import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';

/** Loaded before each quick test: a process that one starts is a failure of the test. */
const STARTERS = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'] as const;

for (const name of STARTERS) {
  Object.assign(childProcess, {
    [name]: () => {
      throw new Error(`a quick test must not start a process (${name}): see test/quick/quick-tests.ts`);
    },
  });
}
syncBuiltinESMExports();
