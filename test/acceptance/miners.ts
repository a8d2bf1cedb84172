import { type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';

export type MinerType = 'detector' | 'segmenter';

/**
 * Starts the built program on a development chain, as a user would, and waits until it answers signed requests.
 * @param models settings of models other than the examples, such as `IMAGE_MODEL`
 * @throws Error with its output if it ends before that
 */
export async function startMiner(
  type: MinerType,
  models: Record<string, string> = {},
): Promise<MinerProcess> {
  const miner = await spawnMiner(['start', '--dev', '--miner-type', type], models);
  try {
    await miner.ready();
    return miner;
  } catch (error) {
    await miner.close();
    throw error;
  }
}
