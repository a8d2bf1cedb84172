// The built program and the files that its commands need, for the tests of this folder.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { writeHotkeyFile } from '../fixtures/wallet-files.ts';

/** Runs a command as a user would. It is killed when the test is over. */
export async function runCommand(
  argv: readonly string[],
  env?: Record<string, string>,
  cwd?: string,
): Promise<MinerProcess> {
  const child = await spawnMiner(argv, env, cwd);
  onTestFinished(child.close);
  return child;
}

/** Writes a settings file. @returns the flags that name it */
export function writeSettings(
  settings: Readonly<Record<string, string>>,
  folder = temporaryFolderPath(),
): string[] {
  const path = join(folder, '.env.miner');
  const lines = Object.entries(settings).map((pair) => `${pair.join('=')}\n`);
  writeFileSync(path, lines.join(''));
  return ['--settings', path];
}

/** Settings of a miner with a wallet of its own and a chain that does not answer. Await `cryptoWaitReady` first. */
export function writeOfflineMiner(changes: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolderPath();
  const wallets = join(folder, 'wallets');
  const hotkey = writeHotkeyFile({ path: wallets, name: 'w', hotkey: 'h', seedByte: 7 });
  const settings = {
    NETWORK: 'local',
    CHAIN_ENDPOINT: 'ws://127.0.0.1:1',
    WALLET_NAME: 'w',
    WALLET_HOTKEY: 'h',
    WALLET_PATH: wallets,
    ...changes,
  };
  const argv = writeSettings(settings, folder);
  return { hotkey, folder, wallets, argv, env: { STATE_DIR: join(folder, 'state') } };
}
