import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { alice, closeAfterEach, openChain } from '../chain/fixture.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';

closeAfterEach();

/** 24 hours of a real chain. */
const BLOCKS = 7_200;
const RECONNECT_EVERY = 100;
/** By then every path has been taken, the reconnection twice. */
const SETTLED_AT = 200;
/** What is compiled and cached on the way takes 3 MB, nearly all of it in the first half. */
const HEAP_GROWTH_LIMIT_BYTES = 6_000_000;
/** A leak of 1 kB a block would be 3.6 MB. */
const LATE_HEAP_GROWTH_LIMIT_BYTES = 1_500_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A development chain in a process of its own, so that its blocks are not in our heap; it makes them when asked to. */
async function startNode(): Promise<{ url: string; call: (method: string) => Promise<number> }> {
  const port = await freePort();
  const main = join(import.meta.dirname, '../../dist/main.js');
  const child = spawn(process.execPath, [main, 'devnet'], {
    env: { ...process.env, DEVNET_PORT: String(port), DEVNET_BLOCK_TIME_MS: '600000' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill();
    await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  child.stdout.resume();
  return {
    url: `ws://127.0.0.1:${port}`,
    async call(method) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] });
      const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body });
      return ((await answer.json()) as { result: number }).result;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What a process that leaks has more and more of: sockets, timers, requests, and listeners of the process. */
function countResources(): Record<string, number> {
  const counts: Record<string, number> = { listeners: 0 };
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  for (const name of process.eventNames())
    counts.listeners = (counts.listeners ?? 0) + process.listenerCount(name);
  return counts;
}

function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

it('a day of blocks with a reconnection every hundred leaves nothing behind', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => {
    process.off('warning', onWarning);
  });
  const node = await startNode();
  // Two names of one node: the second is tried at once when a connection ends.
  const chain = openChain([node.url, `${node.url}/again`], { stateDir: temporaryFolderPath() });
  let connections = 0;
  chain.on('connection', ({ state }) => {
    if (state === 'connected') connections += 1;
  });
  chain.announce({ ip: '8.8.8.8', port: 8091 });
  await until(() => chain.announcement.state === 'submitted');

  let settled: Record<string, number> = {};
  let settledHeap = 0;
  let halfwayHeap = 0;
  for (let made = 1; made <= BLOCKS; made += 1) {
    const block = await node.call('devnet_produceBlock');
    while (chain.status().block !== block) await turn();
    if (made % RECONNECT_EVERY === 0) {
      const before = connections;
      await node.call('devnet_dropConnections');
      await until(() => connections > before && (chain.status().signers.ageMs ?? 0) < 1_000);
    }
    if (made === SETTLED_AT) {
      settled = countResources();
      settledHeap = heapBytes();
    }
    if (made === BLOCKS / 2) halfwayHeap = heapBytes();
  }

  expect(connections).toBe(BLOCKS / RECONNECT_EVERY + 1);
  expect(chain.signer(alice)).toMatchObject({ uid: 0 });
  expect(chain.announcement).toMatchObject({ state: 'announced', finalized: true });
  const heap = heapBytes();
  expect(heap - settledHeap).toBeLessThan(HEAP_GROWTH_LIMIT_BYTES);
  expect(heap - halfwayHeap).toBeLessThan(LATE_HEAP_GROWTH_LIMIT_BYTES);
  // Whatever is under way at this moment comes to its end; what has leaked stays.
  await until(() => {
    const now = countResources();
    return Object.keys(now).every((name) => (now[name] ?? 0) <= (settled[name] ?? 0));
  });
  expect(warnings).toEqual([]);
}, 180_000);
