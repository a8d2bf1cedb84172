import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openChain } from '../chain/fixture.ts';
import { alice } from '../fixtures/keys.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { type HeapContents, readHeap } from './heap-contents.ts';

/** 24 hours of a real chain. */
const BLOCKS = 7_200;
const RECONNECT_EVERY = 100;
/** By then every path has been taken, the reconnection twice. */
const SETTLED_AT = 200;
/** A leak of 8 bytes a block would be more. */
const GROWTH_LIMIT_BYTES = 56_000;
/** A listener of an emitter is a closure, and so is what a timer calls. */
const LEAKABLE = ['closure', 'Listener', 'AbortSignal', 'AbortController', 'Promise', 'Timeout', 'Socket'];
/** One left behind by each of the later 36 reconnections would be more. */
const WAVERING = 24;

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
      // Not by fetch, whose own books of connections and times would be counted with the rest.
      const options = { host: '127.0.0.1', port, method: 'POST', agent: false };
      const [answer] = (await once(request(options).end(body), 'response')) as [IncomingMessage];
      return ((await json(answer)) as { result: number }).result;
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

/** The heap once what a reconnection starts has had time to end. */
async function readQuietHeap(): Promise<HeapContents> {
  await sleep(300);
  return readHeap(LEAKABLE);
}

it('a day of blocks with a reconnection every hundred blocks leaks nothing', async () => {
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
  let settledHeap: HeapContents | undefined;
  let halfwayHeap: HeapContents | undefined;
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
      settledHeap = await readQuietHeap();
    }
    if (made === BLOCKS / 2) halfwayHeap = await readQuietHeap();
  }

  expect(connections).toBe(BLOCKS / RECONNECT_EVERY + 1);
  expect(chain.signer(alice)).toMatchObject({ uid: 0 });
  expect(chain.announcement).toMatchObject({ state: 'announced', finalized: true });
  let heap = await readQuietHeap();
  const more = () =>
    LEAKABLE.filter((name) => {
      // What leaks is more at each look; what V8 drops and compiles again (closures) may have been fewer halfway.
      const before = Math.max(settledHeap?.counts[name] ?? 0, halfwayHeap?.counts[name] ?? 0);
      return (heap.counts[name] ?? 0) - before > WAVERING;
    });
  // What a block's work holds while it is under way is gone at a later look; what has leaked stays.
  for (let look = 0; look < 5 && more().length > 0; look += 1) heap = await readQuietHeap();
  expect(more()).toEqual([]);
  expect(heap.dataBytes - (settledHeap?.dataBytes ?? 0)).toBeLessThan(GROWTH_LIMIT_BYTES);
  // Whatever is under way at this moment comes to its end; what has leaked stays.
  await until(() => {
    const now = countResources();
    return Object.keys(now).every((name) => (now[name] ?? 0) <= (settled[name] ?? 0));
  });
  expect(warnings).toEqual([]);
}, 180_000);
