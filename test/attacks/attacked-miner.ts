import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { makeJpeg } from '../fixtures/media.ts';
import { type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { createValidator } from '../fixtures/validator.ts';

/** Validators give up after this time. */
const VALIDATOR_PATIENCE_MS = 11_000;
const PICTURE_EVERY_MS = 500;
const HEAP_LIMIT_MIB = 1024;

interface Attack {
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Whether each connection sends its bytes repeatedly, as fast as it can, or once. */
  readonly mode: 'flood' | 'hold';
  readonly bytes: string;
}

/** The attacker's figures. */
interface AttackFigures {
  readonly connected: number;
  readonly cut: number;
  readonly writtenBytes: number;
}

interface AttackedMiner extends MinerProcess {
  /** Its highest memory so far, in MiB. */
  peakMib(): { rss: number; heap: number };
  /**
   * Sends signed pictures at a fixed pace, independent of the answers.
   * @returns the status of each; undefined for a picture without an answer in the patience of validators
   */
  askPictures(forMs: number): Promise<Array<number | undefined>>;
  isAlive(): boolean;
}

/** The built miner with a heap of 1 GiB, ready to answer; ended after the test. */
export async function startAttackedMiner(): Promise<AttackedMiner> {
  const record = join(temporaryFolderPath(), 'memory.json');
  const preload = new URL('record-memory.mjs', import.meta.url);
  const miner = await spawnMiner(['start', '--dev'], {
    NODE_OPTIONS: `--max-old-space-size=${HEAP_LIMIT_MIB} --import ${preload}`,
    MEMORY_RECORD: record,
  });
  onTestFinished(miner.close);
  await miner.ready();
  const alice = createValidator('//Alice');
  const picture = await makeJpeg({ width: 256, height: 256, seed: 1 });

  async function askPicture(): Promise<number | undefined> {
    try {
      const signal = AbortSignal.timeout(VALIDATOR_PATIENCE_MS);
      return (await alice.post(miner.axonPort, '/detect_image', picture, { signal })).status;
    } catch {
      return undefined;
    }
  }

  return {
    ...miner,
    peakMib() {
      const { rssBytes, heapBytes } = JSON.parse(readFileSync(record, 'utf8'));
      return { rss: Math.round(rssBytes / 2 ** 20), heap: Math.round(heapBytes / 2 ** 20) };
    },
    async askPictures(forMs) {
      const asked: Array<Promise<number | undefined>> = [];
      for (let sent = 0; sent < forMs / PICTURE_EVERY_MS; sent++) {
        asked.push(askPicture());
        await sleep(PICTURE_EVERY_MS);
      }
      return Promise.all(asked);
    },
    isAlive: () => miner.child.exitCode === null && miner.child.signalCode === null,
  };
}

/** Runs an attack from another process. It sends to this machine only, and ends after `durationMs`. */
export async function attack({ port, connections, durationMs, mode, bytes }: Attack): Promise<AttackFigures> {
  const argv = [port, connections, durationMs, mode, Buffer.from(bytes, 'latin1').toString('base64')];
  const client = join(import.meta.dirname, 'never-reading-client.mjs');
  const child = spawn(process.execPath, [client, ...argv.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(output);
}
