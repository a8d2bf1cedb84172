import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Keyring } from '@polkadot/keyring';
import type { KeyringPair } from '@polkadot/keyring/types';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Chain, createChain } from '../../src/chain/chain.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createDevnet, type Devnet, type DevnetOptions } from '../../src/devnet/node.ts';
import { createLogger, type Logger } from '../../src/telemetry/logger.ts';

export const NETUID = 34;
export const BLOCK_TIME_MS = 100;

await cryptoWaitReady();
const keyring = new Keyring({ type: 'sr25519' });

/** A well-known development key. */
export function developmentKey(name: 'Alice' | 'Bob' | 'Charlie' | 'Dave' | 'Eve'): KeyringPair {
  return keyring.addFromUri(`//${name}`);
}

export const alice = developmentKey('Alice').address;
export const bob = developmentKey('Bob').address;
export const charlie = developmentKey('Charlie').address;
export const dave = developmentKey('Dave').address;

const opened: { close(): Promise<void> }[] = [];

/** Closes whatever the test opened, newest first. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });
}

/** A devnet on a free port with fast blocks, closed after the test. */
export async function openDevnet(options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const devnet = await createDevnet({
    host: '127.0.0.1',
    port: 0,
    netuid: NETUID,
    blockTimeMs: BLOCK_TIME_MS,
    ...options,
  });
  opened.push(devnet);
  return devnet;
}

type Answer = (request: { readonly id: number; readonly method: string }) => unknown;

/** A node that answers every request with what `answer` gives, closed after the test. Gives its address. */
export async function openNode(answer: Answer): Promise<string> {
  return await openServer((socket) => {
    socket.on('message', (data) => socket.send(JSON.stringify(answer(JSON.parse(String(data))))));
  });
}

/** Passes everything on to the node at `target`; `upgrade` tells the clients of another runtime. */
export async function openUpgradingProxy(
  target: string,
): Promise<{ url: string; upgrade: (specVersion: number) => void }> {
  const tell: ((specVersion: number) => void)[] = [];
  const url = await openServer((socket) => {
    const upstream = new WebSocket(target);
    const ready = once(upstream, 'open');
    let requestId: unknown;
    socket.on('close', () => upstream.terminate());
    socket.on('message', async (data) => {
      const { id, method } = JSON.parse(String(data));
      if (method === 'state_subscribeRuntimeVersion') requestId = id;
      await ready;
      upstream.send(String(data));
    });
    upstream.on('message', (data) => {
      socket.send(String(data));
      const { id, result } = JSON.parse(String(data));
      if (requestId === undefined || id !== requestId) return;
      tell.push((specVersion) => {
        const params = { subscription: result, result: { specVersion } };
        socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'state_runtimeVersion', params }));
      });
    });
  });
  return {
    url,
    upgrade: (specVersion) => {
      for (const one of tell.splice(0)) one(specVersion);
    },
  };
}

/** Passes everything on to the node at `target`, and remembers the calls and counts the bytes of the answers. */
export async function openCountingProxy(
  target: string,
): Promise<{ url: string; methods: () => readonly string[]; bytes: () => number; reset: () => void }> {
  let methods: string[] = [];
  let bytes = 0;
  const url = await openServer((socket) => {
    const upstream = new WebSocket(target);
    const ready = once(upstream, 'open');
    socket.on('close', () => upstream.terminate());
    socket.on('message', async (data) => {
      const { method, params } = JSON.parse(String(data));
      methods.push(method === 'state_call' ? params[0] : method);
      await ready;
      upstream.send(String(data));
    });
    upstream.on('message', (data) => {
      bytes += String(data).length;
      socket.send(String(data));
    });
  });
  return {
    url,
    methods: () => methods,
    bytes: () => bytes,
    reset: () => {
      methods = [];
      bytes = 0;
    },
  };
}

interface Alterations {
  /** The answer to a question, which is then not passed on; undefined to pass it on. */
  readonly answer: (method: string, params: readonly unknown[]) => unknown;
  /** The parameters that a question is passed on with; its own when absent. */
  readonly ask?: (method: string, params: readonly unknown[]) => readonly unknown[];
  /** What the client gets in place of a message of the node; the message itself when absent. */
  readonly tell?: (message: string) => string;
}

/** Passes everything on to the node at `target`, with these alterations. */
export async function openAlteringProxy(
  target: string,
  { answer, ask = (_method, params) => params, tell = (message) => message }: Alterations,
): Promise<string> {
  return await openServer((socket) => {
    const upstream = new WebSocket(target);
    const ready = once(upstream, 'open');
    socket.on('close', () => upstream.terminate());
    socket.on('message', async (data) => {
      const { id, method, params } = JSON.parse(String(data));
      const result = answer(method, params);
      await ready;
      if (result === undefined) {
        upstream.send(JSON.stringify({ jsonrpc: '2.0', id, method, params: ask(method, params) }));
      } else socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    upstream.on('message', (data) => socket.send(tell(String(data))));
  });
}

/** Passes everything on to the node at `target`, its words as `rewrite` has them, and remembers what was asked. */
export async function openRewritingProxy(
  target: string,
  rewrite: (text: string, send: (text: string) => void) => string,
): Promise<{ url: string; methods: () => readonly string[]; runtimeCalls: () => readonly string[] }> {
  const methods: string[] = [];
  const runtimeCalls: string[] = [];
  const url = await openServer((socket) => {
    const upstream = new WebSocket(target);
    const ready = once(upstream, 'open');
    socket.on('close', () => upstream.terminate());
    socket.on('message', async (data) => {
      const { method, params } = JSON.parse(String(data));
      methods.push(method);
      if (method === 'state_call') runtimeCalls.push(params[0]);
      await ready;
      upstream.send(String(data));
    });
    upstream.on('message', (data) => socket.send(rewrite(String(data), (text) => socket.send(text))));
  });
  return { url, methods: () => methods, runtimeCalls: () => runtimeCalls };
}

async function openServer(onConnection: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', onConnection);
  await once(server, 'listening');
  opened.push({
    close: async () => {
      for (const client of server.clients) client.terminate();
      server.close();
      await once(server, 'close');
    },
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface TestChainOptions {
  readonly key?: Parameters<typeof developmentKey>[0];
  readonly expectedGenesisHash?: string;
  readonly isPublicNetwork?: boolean;
  readonly refuseGenesis?: Readonly<Record<string, string>>;
  readonly netuid?: number;
  readonly stateDir?: string;
  readonly blockWatchdogMs?: number;
  readonly callersClockOffsetMs?: () => number | undefined;
  readonly signersMaxAgeMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** A started client of //Bob's, or of another development key, closed after the test. */
export function openChain(
  endpoints: readonly string[],
  { key = 'Bob', clock = systemClock, logger, ...options }: TestChainOptions = {},
): Chain {
  const pair = developmentKey(key);
  const chain = createChain({
    endpoints,
    netuid: NETUID,
    isPublicNetwork: false,
    wallet: { hotkeyAddress: pair.address, pair },
    logger: logger ?? createLogger({ level: 'silent' }),
    clock,
    ...options,
  });
  opened.push(chain);
  chain.start();
  return chain;
}

/** A clock that can be moved on. */
export function createMovableClock(): Clock & { moveMs(ms: number): void } {
  let offsetMs = 0;
  return {
    now: () => systemClock.now() + offsetMs,
    monotonic: () => systemClock.monotonic() + offsetMs,
    moveMs(ms) {
      offsetMs += ms;
    },
  };
}

/** Every reason that an older runtime has not to carry `serve_axon` out. */
export const DISPATCH_ERRORS = [
  'HotKeyNotRegisteredInNetwork',
  'HotKeyNotRegisteredInSubNet',
  'InvalidIpAddress',
  'InvalidIpType',
  'InvalidPort',
  'ServingRateLimitExceeded',
  'SubnetNotExists',
  'TxRateLimitExceeded',
];
