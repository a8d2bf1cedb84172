import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { spawnMiner } from '../fixtures/miner-process.ts';
import { startHostileNode } from './hostile-node.ts';
import { cpuSeconds, memoryMib, processTree } from './process-tree.ts';

const MEMORY_EVERY_MS = 250;
const QUIET_MS = 500;
/** More than an idle miner uses in that time. */
const QUIET_CPU_S = 0.05;
/** Abandoned work ends within this time. */
const SETTLE_MS = 15_000;
const STAKE = { stakeTao: 50_000, permit: true };

export type MinerUnderAttack = Awaited<ReturnType<typeof startMinerUnderAttack>>;

/**
 * The built miner on its own development chain, which has the given validators with enough stake. Its first endpoint is a node
 * that can lie, and its second is the chain itself.
 * @param folder for its temporary files
 */
export async function startMinerUnderAttack(
  minerType: string,
  validators: readonly string[],
  folder: string,
) {
  const diskFolder = join(folder, minerType);
  mkdirSync(diskFolder);
  const chain = await spawnMiner(['devnet'], { DEVNET_BLOCK_TIME_MS: '1000' });
  await chain.ready();
  const chainEndpoint = `ws://127.0.0.1:${chain.devnetPort}`;
  const node = await startHostileNode(chainEndpoint);
  const endpoints = `${node.endpoint},${chainEndpoint}`;
  const miner = await spawnMiner(['start', '--dev', '--subtensor.chain_endpoint', endpoints], {
    MINER_TYPE: minerType,
    TMPDIR: diskFolder,
  });
  await miner.ready();
  const pid = miner.child.pid ?? 0;
  for (const hotkey of validators) {
    const response = await fetch(`http://127.0.0.1:${chain.devnetPort}`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_register', params: [hotkey, STAKE] }),
    });
    expect(await response.json()).toMatchObject({ result: expect.any(Number) });
  }
  const processesAtRest = processTree(pid).length;

  /** Files of requests, in memory and on disk. */
  const files = () =>
    ['/dev/shm', diskFolder].flatMap((parent) =>
      readdirSync(parent)
        .filter((name) => name.startsWith('sn34-miner-') && name.split('-')[3] === String(pid))
        .flatMap((name) => readdirSync(join(parent, name)).map((file) => join(parent, name, file))),
    );

  return {
    port: miner.axonPort,
    node,
    /** Bytes that it has written to its log. */
    logBytes: () => miner.output().length,
    async close() {
      await miner.close();
      await node.close();
      await chain.close();
    },
    isAlive: () => miner.child.exitCode === null && miner.child.signalCode === null,
    /** CPU seconds since its start, with its children. */
    cpuSeconds: () => cpuSeconds(pid),
    /** Records its memory, with that of its children. The returned function ends this and returns the highest value in MiB. */
    watchMemory() {
      let peakMib = memoryMib(pid);
      const look = () => {
        peakMib = Math.max(peakMib, memoryMib(pid));
      };
      const timer = setInterval(look, MEMORY_EVERY_MS);
      return () => {
        clearInterval(timer);
        look();
        return peakMib;
      };
    },
    /** Waits until it is idle. */
    async quiet(): Promise<void> {
      const until = performance.now() + SETTLE_MS;
      for (let before = -1; performance.now() < until; ) {
        const now = cpuSeconds(pid);
        if (before >= 0 && now - before <= QUIET_CPU_S) return;
        before = now;
        await sleep(QUIET_MS);
      }
    },
    /** Files and processes that remain after all requests and were not there at its start. */
    async leftovers(): Promise<string[]> {
      const until = performance.now() + SETTLE_MS;
      for (;;) {
        const surplus = Math.max(0, processTree(pid).length - processesAtRest);
        const found = [...files(), ...Array.from({ length: surplus }, () => 'a process')];
        if (found.length === 0 || performance.now() > until) return found;
        await sleep(QUIET_MS);
      }
    },
  };
}
