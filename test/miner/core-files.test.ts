import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished, vi } from 'vitest';
import { spawnMiner } from '../fixtures/miner-process.ts';
import { modelChildren } from '../fixtures/model-children.ts';

vi.setConfig({ testTimeout: 60_000 });

const DIST = join(import.meta.dirname, '../../dist');
const NO_CORE = /^Max core file size +0 +0 /m;
const NO_MEMORY = /^0{8}$/m;

it('neither a miner nor its model processes leave memory on disk when they crash', async () => {
  const miner = await spawnMiner(['start', '--dev']);
  onTestFinished(miner.close);
  await miner.ready();
  const children = modelChildren(miner.child.pid);
  expect(children.length).toBeGreaterThan(0);
  for (const pid of [miner.child.pid, ...children]) {
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(NO_CORE);
    expect(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8')).toMatch(NO_MEMORY);
  }
});

/** Opens a hotkey as each command does that needs one, and prints what becomes of this process in a crash. */
const OPEN_HOTKEY = `
  import { readFileSync } from 'node:fs';
  import { cryptoWaitReady } from '@polkadot/util-crypto';
  import { openHotkey } from '${DIST}/miner/open-hotkey.js';
  import { createLogger } from '${DIST}/telemetry/logger.js';
  await cryptoWaitReady();
  await openHotkey({ dev: true, chain: { isPublic: false } }, { env: {}, logger: createLogger({ level: 'warn' }) });
  for (const name of ['limits', 'coredump_filter']) console.log(readFileSync('/proc/self/' + name, 'utf8'));
`;

async function openHotkeyIn(env: Record<string, string>): Promise<string> {
  const program = ['--input-type=module', '--eval', OPEN_HOTKEY];
  return (await promisify(execFile)(process.execPath, program, { env, cwd: DIST })).stdout;
}

it('whatever opens a hotkey leaves no memory on disk when it crashes, not even with a program that takes core files', async () => {
  const output = await openHotkeyIn({ PATH: process.env.PATH ?? '' });
  expect(output).toMatch(NO_CORE);
  expect(output).toMatch(NO_MEMORY);
});

it('a host without prlimit is warned of, and the memory is kept out of core files all the same', async () => {
  const output = await openHotkeyIn({ PATH: '/nowhere' });
  expect(output).toContain('core files are not forbidden');
  expect(output).toMatch(NO_MEMORY);
});
