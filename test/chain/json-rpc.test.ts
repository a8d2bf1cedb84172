import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { openRpcSocket, PAYLOAD_LIMIT_BYTES, RpcRefusal, type RpcSocket } from '../../src/chain/json-rpc.ts';
import { MinerError } from '../../src/errors.ts';

type Answer = (socket: WebSocket, message: { id: number; method: string }) => void;

const servers: WebSocketServer[] = [];
const sockets: RpcSocket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.end(new MinerError('INTERNAL', 'the test is over'));
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(answer: Answer): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  servers.push(server);
  server.on('connection', (socket) => {
    socket.on('message', (data) => answer(socket, JSON.parse(String(data))));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(answer: Answer, callTimeoutMs = 5_000): Promise<RpcSocket> {
  const socket = await openRpcSocket({
    url: await serve(answer),
    connectTimeoutMs: 5_000,
    callTimeoutMs,
    signal: new AbortController().signal,
    onCallbackError: () => undefined,
  });
  sockets.push(socket);
  return socket;
}

describe('a JSON-RPC connection', () => {
  it('gives each call its own answer, in whatever order they come', async () => {
    const waiting: { id: number; method: string }[] = [];
    const socket = await open((peer, message) => {
      waiting.push(message);
      if (waiting.length < 2) return;
      for (const { id, method } of waiting.reverse()) {
        peer.send(JSON.stringify({ jsonrpc: '2.0', id, result: method }));
      }
    });
    expect(await Promise.all([socket.request('first', []), socket.request('second', [])])).toEqual([
      'first',
      'second',
    ]);
  });

  it("rejects with the node's error, code and data, and goes on", async () => {
    const socket = await open((peer, { id, method }) => {
      const error = { code: 1010, message: 'Invalid Transaction', data: 'Custom error: 12' };
      peer.send(JSON.stringify({ jsonrpc: '2.0', id, ...(method === 'bad' ? { error } : { result: 1 }) }));
    });
    const refused = await socket.request('bad', []).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RpcRefusal);
    expect(refused).toMatchObject({ code: 1010, detail: 'Custom error: 12' });
    expect(await socket.request('good', [])).toBe(1);
  });

  it.each(['not json', '7', '"text"', 'null'])('is ended by a frame that says %s', async (frame) => {
    const socket = await open((peer) => peer.send(frame));
    await expect(socket.request('any', [])).rejects.toMatchObject({ code: 'CHAIN_CALL_FAILED' });
    await socket.closed;
  });

  it('takes the largest message that a node may send, and is ended by one that is a byte longer', async () => {
    const sizeOf = { largest: PAYLOAD_LIMIT_BYTES, larger: PAYLOAD_LIMIT_BYTES + 1 };
    const socket = await open((peer, { id, method }) => {
      const frame = (result: string): string => JSON.stringify({ jsonrpc: '2.0', id, result });
      const room = sizeOf[method as keyof typeof sizeOf] - frame('').length;
      peer.send(frame('x'.repeat(room)));
    });
    expect(String(await socket.request('largest', []))).toMatch(/^x{4000000}/);
    await expect(socket.request('larger', [])).rejects.toMatchObject({
      code: 'CHAIN_UNREACHABLE',
      message: 'Max payload size exceeded',
    });
    await socket.closed;
  });

  it.each(['ping', 'pong'] as const)('is ended by a flood of %ss', async (control) => {
    const socket = await open((peer) => {
      for (let count = 0; count < 5_000; count += 1) peer[control]();
    });
    await expect(socket.request('any', [])).rejects.toMatchObject({ code: 'CHAIN_ENDPOINT_UNTRUSTED' });
    await socket.closed;
  });

  it('ignores answers to calls that nobody made', async () => {
    const socket = await open((peer, { id }) => {
      for (const stray of [[], {}, { id: 999, result: 1 }, { id: 'text' }, { params: {} }]) {
        peer.send(JSON.stringify(stray));
      }
      peer.send(JSON.stringify({ jsonrpc: '2.0', id, result: 1 }));
    });
    expect(await socket.request('any', [])).toBe(1);
  });

  it('is ended by a call that is not answered in time', async () => {
    const socket = await open(() => undefined, 50);
    await expect(socket.request('hang', [])).rejects.toMatchObject({ code: 'CHAIN_CALL_FAILED' });
    expect(socket.ended.aborted).toBe(true);
    await socket.closed;
  });

  it('rejects the calls in flight when the other side goes away', async () => {
    const socket = await open((peer) => peer.terminate());
    await expect(socket.request('any', [])).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
    await expect(socket.request('later', [])).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
  });

  it('goes on after a callback that throws', async () => {
    const socket = await open((peer, { id, method }) => {
      peer.send(JSON.stringify({ jsonrpc: '2.0', id, result: 'abc' }));
      const params = { subscription: 'abc', result: 5 };
      if (method === 'sub') peer.send(JSON.stringify({ jsonrpc: '2.0', method: 'note', params }));
    });
    let told: unknown;
    await socket.subscribe('sub', [], (result) => {
      told = result;
      throw new Error('a fault of the subscriber');
    });
    expect(await socket.request('any', [])).toBe('abc');
    expect(told).toBe(5);
  });

  it('can be given up while it is being made', async () => {
    const giveUp = new AbortController();
    const opening = openRpcSocket({
      url: await serve(() => undefined),
      connectTimeoutMs: 5_000,
      callTimeoutMs: 5_000,
      signal: giveUp.signal,
      onCallbackError: () => undefined,
    });
    giveUp.abort();
    await expect(opening).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
  });

  it.each(['http://127.0.0.1:1', 'nonsense', 'ws://127.0.0.1:1'])(
    'to %s is an error, not a crash',
    async (url) => {
      const opening = openRpcSocket({
        url,
        connectTimeoutMs: 1_000,
        callTimeoutMs: 1_000,
        signal: new AbortController().signal,
        onCallbackError: () => undefined,
      });
      await expect(opening).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
    },
  );
});
