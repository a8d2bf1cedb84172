import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPython } from './python.ts';
import { SEED } from './run-size.ts';

const MAIN = join(import.meta.dirname, '../../dist/main.js');

interface Comparison {
  /** Files. */
  readonly compared: number;
  /** How many of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** One line for each file that came out in another way. */
  readonly differing: readonly string[];
}

interface ComparisonOptions {
  readonly pictures: number;
  readonly clips: number;
  /** A decoder with this chroma upsampling instead of ours, on 4:2:0 JPEGs only: `weigh` is as libjpeg has it. */
  readonly upsampling?: 'weigh' | 'repeat';
}

/** Compares decoded pixels of random files with what Pillow and PyAV make of them. */
export async function compareDecoding(options: ComparisonOptions): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'sn34-miner-test-'));
  try {
    const command = [process.execPath, MAIN, 'decode'];
    return await runPython<Comparison>('sdk-9', 'decoding.py', { ...options, command, folder, seed: SEED });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
