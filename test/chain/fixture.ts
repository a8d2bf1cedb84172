import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import { type Chain, createChain } from '../../src/chain/chain.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createLogger, type Logger } from '../../src/telemetry/logger.ts';
import { NETUID } from '../fixtures/devnet.ts';
import { developmentKey } from '../fixtures/keys.ts';

type Answer = (request: { readonly id: number; readonly method: string }) => unknown;

/** A node that answers every request with the result of `answer`, closed after the test. Returns its address. */
export async function openNode(answer: Answer): Promise<string> {
  return await openServer((socket) => {
    socket.on('message', (data) => socket.send(JSON.stringify(answer(JSON.parse(String(data))))));
  });
}

interface Alterations {
  /** The answer to a question, which is then not passed on; undefined to pass it on. */
  readonly answer?: (method: string, params: readonly unknown[]) => unknown;
  /** The parameters that a question is passed on with. */
  readonly ask?: (method: string, params: readonly unknown[]) => readonly unknown[];
  /** What the client gets in place of a message of the node; `send` sends it more. */
  readonly tell?: (message: string, send: (text: string) => void) => string;
}

interface Proxy {
  readonly url: string;
  /** The methods that were called; for a runtime call its own name. */
  readonly methods: () => readonly string[];
  /** Bytes of the node's messages. */
  readonly bytes: () => number;
  readonly reset: () => void;
}

/** Passes everything on to the node at `target`, with these alterations; closed after the test. */
export async function openProxy(
  target: string,
  { answer = () => undefined, ask = (_method, params) => params, tell = (text) => text }: Alterations = {},
): Promise<Proxy> {
  let methods: string[] = [];
  let bytes = 0;
  const url = await openServer((socket) => {
    const upstream = new WebSocket(target);
    const ready = once(upstream, 'open');
    socket.on('close', () => upstream.terminate());
    socket.on('message', async (data) => {
      const { id, method, params } = JSON.parse(String(data));
      methods.push(method === 'state_call' ? params[0] : method);
      const result = answer(method, params);
      await ready;
      if (result === undefined) {
        upstream.send(JSON.stringify({ jsonrpc: '2.0', id, method, params: ask(method, params) }));
      } else socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    upstream.on('message', (data) => {
      const text = String(data);
      bytes += text.length;
      socket.send(tell(text, (more) => socket.send(more)));
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

/** A WebSocket server on a free port, closed after the test. Returns its address. */
export async function openServer(
  onConnection: (socket: WebSocket, request: IncomingMessage) => void,
  options: ServerOptions = {},
): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  server.on('connection', onConnection);
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const client of server.clients) client.terminate();
    server.close();
    await once(server, 'close');
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

/** A started chain client of //Bob, or of another development key, closed after the test. */
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
  onTestFinished(chain.close);
  chain.start();
  return chain;
}

/** Every reason for which an older runtime fails `serve_axon`. */
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
