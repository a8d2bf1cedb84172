import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPm2 } from '../../src/pm2/pm2.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';

/** A pm2 whose daemon does not answer: each command waits for ever, and so does a child of it. */
function openHanging(limitMs: number) {
  const home = temporaryFolderPath();
  const program = join(home, 'pm2');
  const pidFile = join(home, 'pid');
  writeFileSync(join(home, 'rpc.sock'), '');
  writeFileSync(
    program,
    `#!/bin/sh\nsleep 1000 &\necho $! >${pidFile}.new\nmv ${pidFile}.new ${pidFile}\nwait\n`,
  );
  chmodSync(program, 0o755);
  const limitsMs = { list: limitMs, start: limitMs, delete: limitMs };
  const pm2 = createPm2({ program, env: { PATH: process.env.PATH, PM2_HOME: home }, limitsMs });
  return {
    pm2,
    program,
    hasBegun: () => existsSync(pidFile),
    pid: () => Number(readFileSync(pidFile, 'utf8')),
  };
}

describe('a pm2 that hangs', () => {
  it.each(['list', 'start', 'delete'] as const)(
    'ends a %s with an error, and leaves no process',
    async (what) => {
      const { pm2, program, pid } = openHanging(1_000);
      const { signal } = new AbortController();
      const calls = {
        list: () => pm2.list(signal),
        start: () => pm2.start('x', {}),
        delete: () => pm2.delete(1),
      };
      await expect(calls[what]()).rejects.toMatchObject({
        code: 'PM2_FAILED',
        message: expect.stringMatching(new RegExp(`^${program} .*: it did not end within 1 s`)),
      });
      await until(() => !isRunning(pid()));
    },
  );

  it('does not keep a signal from ending the wait for its list', async () => {
    const { pm2, hasBegun, pid } = openHanging(600_000);
    const stop = new AbortController();
    const listing = pm2.list(stop.signal);
    const refused = expect(listing).rejects.toThrow('called off');
    await until(hasBegun);
    stop.abort(new Error('called off'));
    await refused;
    await until(() => !isRunning(pid()));
  });
});
