import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import {
  openRpcSocket,
  PAYLOAD_LIMIT_BYTES,
  RpcRefusal,
  type RpcSocket,
} from '../../../src/chain/link/json-rpc.ts';
import { MinerError } from '../../../src/errors.ts';
import { openServer } from '../fixture.ts';

type Answer = (socket: WebSocket, message: { id: number; method: string }) => void;

function serve(answer: Answer): Promise<string> {
  return openServer((socket) => {
    socket.on('message', (data) => answer(socket, JSON.parse(String(data))));
  });
}

async function open(answer: Answer, callTimeoutMs = 5_000): Promise<RpcSocket> {
  return await openAt(await serve(answer), callTimeoutMs);
}

async function openAt(url: string, callTimeoutMs = 5_000): Promise<RpcSocket> {
  const socket = await openRpcSocket({
    url,
    connectTimeoutMs: 5_000,
    callTimeoutMs,
    signal: new AbortController().signal,
    onCallbackError: () => undefined,
  });
  onTestFinished(() => socket.end(new MinerError('INTERNAL', 'the test is over')));
  return socket;
}

describe('a JSON-RPC connection', () => {
  it('each call gets its own answer, in any order of arrival', async () => {
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

  it.each([
    ['text', 'x'.repeat(1_000_000)],
    ['an object', { deep: 'x'.repeat(1_000_000) }],
  ])('keeps the beginning of the words of an error that are %s', async (_what, words) => {
    const socket = await open((peer, { id }) =>
      peer.send(JSON.stringify({ jsonrpc: '2.0', id, error: { code: 1, message: words, data: words } })),
    );
    const refused = await socket.request('bad', []).catch((error: unknown) => error);
    if (!(refused instanceof RpcRefusal)) throw refused;
    expect([refused.message.length, refused.detail.length]).toEqual([301, 301]);
  });

  it.each(['not json', '7', '"text"', 'null'])('is ended by a frame that says %s', async (frame) => {
    const socket = await open((peer) => peer.send(frame));
    await expect(socket.request('any', [])).rejects.toMatchObject({
      code: 'CHAIN_CALL_FAILED',
      message: 'the endpoint sent something that is not JSON-RPC',
    });
    await socket.closed;
  });

  it.each(['ping', 'pong'] as const)('is ended by a flood of %ss', async (control) => {
    const socket = await open((peer) => {
      for (let count = 0; count < 5_000; count += 1) peer[control]();
    });
    // The other side may be the first to give up, over answers that are not taken.
    await expect(socket.request('any', [])).rejects.toMatchObject({
      code: expect.stringMatching(/^CHAIN_(ENDPOINT_UNTRUSTED|UNREACHABLE)$/),
    });
    await socket.closed;
  });

  it('answers without a call are ignored', async () => {
    const socket = await open((peer, { id }) => {
      for (const stray of [[], {}, { id: 999, result: 1 }, { id: 'text' }, { params: {} }]) {
        peer.send(JSON.stringify(stray));
      }
      peer.send(JSON.stringify({ jsonrpc: '2.0', id, result: 1 }));
    });
    expect(await socket.request('any', [])).toBe(1);
  });

  it('a call without an answer in time ends the connection', async () => {
    const socket = await open(() => undefined, 50);
    await expect(socket.request('hang', [])).rejects.toMatchObject({ code: 'CHAIN_CALL_FAILED' });
    expect(socket.ended.aborted).toBe(true);
    await socket.closed;
  });

  it('calls in flight are rejected when the node goes away', async () => {
    const socket = await open((peer) => peer.terminate());
    await expect(socket.request('any', [])).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
    await expect(socket.request('later', [])).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
  });

  it('the connection goes on after a callback that throws', async () => {
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

  it('a connection can be cancelled while it opens', async () => {
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

  it('the largest allowed message is read, and a larger one ends the connection', async () => {
    const frame = (id: number, bytes: number): string => {
      const bare = JSON.stringify({ jsonrpc: '2.0', id, result: '' });
      return bare.replace('""', `"${'x'.repeat(bytes - bare.length)}"`);
    };
    const socket = await open((peer, { id, method }) => {
      peer.send(frame(id, PAYLOAD_LIMIT_BYTES + (method === 'larger' ? 1 : 0)));
    });
    // Finney's metadata are 1.35 MB of hex.
    expect(PAYLOAD_LIMIT_BYTES).toBeGreaterThan(2 * 1_350_000);
    expect(PAYLOAD_LIMIT_BYTES).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(await socket.request('largest', [])).toHaveLength(
      PAYLOAD_LIMIT_BYTES - '{"jsonrpc":"2.0","id":1,"result":""}'.length,
    );
    await expect(socket.request('larger', [])).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
    await socket.closed;
  });

  it('the fragments of a message count together', async () => {
    const socket = await open((peer) => {
      for (let count = 0; count < 10; count += 1) peer.send('x'.repeat(1024 * 1024), { fin: false });
    });
    await expect(socket.request('any', [])).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
    await socket.closed;
  });

  it('the connection offers no compression, and unpacks nothing', async () => {
    const offers: unknown[] = [];
    const url = await openServer(
      (peer, request) => {
        offers.push(request.headers['sec-websocket-extensions']);
        // What a peer sends compressed all the same: the first bit that is reserved is set.
        peer.on('message', () => request.socket.write(Buffer.from([0xc1, 0x01, 0x00])));
      },
      { perMessageDeflate: { threshold: 0 } },
    );
    const socket = await openAt(url);
    await expect(socket.request('any', [])).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
    expect(offers).toEqual([undefined]);
  });

  it('the connection follows no redirect', async () => {
    const asked: (string | undefined)[] = [];
    const target = await serve(() => asked.push('followed'));
    const server = createServer((_request, response) => response.end());
    server.on('upgrade', (request, peer) => {
      asked.push(request.url);
      peer.end(`HTTP/1.1 302 Found\r\nLocation: ${target}/\r\n\r\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(openAt(url)).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' });
    await new Promise((resolve) => server.close(resolve));
    expect(asked).toEqual(['/']);
  });

  it('an answer that drips and is never whole ends the connection', async () => {
    const socket = await open((peer) => {
      const drip = setInterval(() => peer.send('x', { fin: false }), 20);
      peer.on('close', () => clearInterval(drip));
    }, 300);
    await expect(socket.request('drip', [])).rejects.toMatchObject({ code: 'CHAIN_CALL_FAILED' });
    await socket.closed;
  });

  it('a malformed notification ends the connection', async () => {
    const socket = await open((peer, { id }) => {
      peer.send(JSON.stringify({ jsonrpc: '2.0', id, result: 'abc' }));
      peer.send(
        JSON.stringify({ jsonrpc: '2.0', method: 'note', params: { subscription: 'abc', result: 5 } }),
      );
    });
    await socket.subscribe('sub', [], () => {
      throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', 'odd');
    });
    await socket.closed;
    expect(socket.ended.reason).toMatchObject({ code: 'CHAIN_ENDPOINT_UNTRUSTED' });
  });

  it('too many frames end the connection, whatever they hold', async () => {
    const socket = await open((peer) => {
      for (let count = 0; count < 4_000; count += 1) peer.send('{"id":"stray"}');
    });
    await expect(socket.request('any', [])).rejects.toMatchObject({ code: 'CHAIN_ENDPOINT_UNTRUSTED' });
    await socket.closed;
  });

  it('a deeply nested answer is read, and a deeply nested error is not shown', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const socket = await open((peer, { id, method }) => {
      peer.send(`{"id":${id},"${method}":${method === 'error' ? `{"code":1,"message":${deep}}` : deep}}`);
    });
    expect(await socket.request('result', [])).toBeInstanceOf(Array);
    const refused = await socket.request('error', []).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RpcRefusal);
    expect((refused as RpcRefusal).message.length).toBeLessThan(400);
  });
});
