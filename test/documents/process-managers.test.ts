import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXIT_CODES, LASTING_EXIT_CODES } from '../../src/miner/exit-codes.ts';
import { ROOT } from './documents.ts';

it('pm2 and systemd stop on exactly the exit codes that a restart does not mend', () => {
  process.env.SN34_PM2_FLAGS = '[]';
  const { apps } = createRequire(import.meta.url)(join(ROOT, 'deploy/ecosystem.config.cjs')) as {
    apps: Array<{ stop_exit_codes: number[]; kill_timeout: number }>;
  };
  const { ok, internal, forced, ...lasting } = EXIT_CODES;
  expect([ok, internal, forced]).toEqual([0, 1, 130]);
  expect([...LASTING_EXIT_CODES]).toEqual(Object.values(lasting));
  expect(apps[0]?.stop_exit_codes).toEqual([...LASTING_EXIT_CODES]);
  const unit = readFileSync(join(ROOT, 'deploy/sn34-miner.service'), 'utf8');
  expect(unit).toContain(`\nRestartPreventExitStatus=${[...LASTING_EXIT_CODES].join(' ')}\n`);
  expect(apps[0]?.kill_timeout).toBeGreaterThan(15_000);
});
