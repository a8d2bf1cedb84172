import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';
import { writeRoughSegmenter } from './rough-segmenter.ts';

/** A detector and a segmenter as a user starts them, each with a development chain of its own. */
export interface RunningMiners {
  /** What the scripts take: the public ports, and the chains' addresses for their own calls. */
  readonly addresses: {
    readonly detector: string;
    readonly segmenter: string;
    readonly devnets: readonly string[];
  };
  close(): Promise<void>;
}

export async function startMiners(): Promise<RunningMiners> {
  const miners: MinerProcess[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'sn34-interop-'));
  const env = { SEGMENTER_MODEL: writeRoughSegmenter(folder) };
  const close = async () => {
    await Promise.all(miners.map((miner) => miner.close()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const type of ['detector', 'segmenter']) {
      const miner = await spawnMiner(['start', '--dev', '--miner-type', type], env);
      miners.push(miner);
      await miner.ready();
    }
  } catch (error) {
    await close();
    throw error;
  }
  const [detector = '', segmenter = ''] = miners.map(({ axonPort }) => `http://127.0.0.1:${axonPort}`);
  const devnets = miners.map(({ devnetPort }) => `http://127.0.0.1:${devnetPort}`);
  return { addresses: { detector, segmenter, devnets }, close };
}
