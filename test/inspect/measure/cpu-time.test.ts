import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cpuMs } from '../../../src/inspect/measure/cpu-time.ts';

const run = promisify(execFile);

describe('processor time', () => {
  it.skipIf(process.platform !== 'linux')('processor time does not count waiting', async () => {
    const startedAt = performance.now();
    const cpu = await cpuMs(1, () => sleep(500));
    expect(cpu).toBeLessThan(performance.now() - startedAt);
  });

  it.skipIf(process.platform !== 'linux')('processor time of a child that ended counts', async () => {
    const busy = 'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);';
    expect(await cpuMs(1, () => run(process.execPath, ['-e', busy]))).toBeGreaterThan(290);
  });
});
