import { join } from 'node:path';
import type { MinerConfig } from '../config/miner-config.ts';
import { makePrivateFolder } from './private-folder.ts';

/**
 * Makes the folder of a hotkey, for state that must survive a restart. Its name is the address, because one hotkey can
 * be in several wallets.
 * @param hotkey ss58 address
 * @returns its path
 * @throws MinerError STATE_DIR_UNUSABLE
 */
export async function makeHotkeyFolder(
  { stateDir, dev, axon }: Pick<MinerConfig, 'stateDir' | 'dev' | 'axon'>,
  hotkey: string,
): Promise<string> {
  await makePrivateFolder(stateDir);
  // Two development miners share a key, but not their state.
  const folder = join(stateDir, dev ? `development-${axon.port}` : hotkey);
  await makePrivateFolder(folder);
  return folder;
}
