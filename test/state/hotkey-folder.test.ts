import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import { makeHotkeyFolder } from '../../src/state/hotkey-folder.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { BOB } from '../fixtures/validator.ts';

async function folderOf(stateDir: string, env: Record<string, string>, dev = false): Promise<string> {
  const loaded = loadSettings({
    flags: parseFlags([]),
    env: { STATE_DIR: stateDir, ...env },
    file: undefined,
  });
  return makeHotkeyFolder(resolveConfig(loaded, { dev, root: '/' }), BOB);
}

it('a hotkey has one folder on each network, whatever its wallet is called', async () => {
  const stateDir = temporaryFolderPath();
  const folder = await folderOf(stateDir, { WALLET_NAME: 'one' });
  expect(folder).toBe(join(stateDir, 'finney-34', BOB));
  expect(await folderOf(stateDir, { WALLET_NAME: 'two', WALLET_HOTKEY: 'other' })).toBe(folder);
  expect(await folderOf(stateDir, { NETWORK: 'test' })).toBe(join(stateDir, 'test-168', BOB));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

it('development miners, which share a hotkey, have a folder for each port', async () => {
  const stateDir = temporaryFolderPath();
  expect(await folderOf(stateDir, { AXON_PORT: '8092' }, true)).toBe(
    join(stateDir, 'dev-34/development-8092'),
  );
});
