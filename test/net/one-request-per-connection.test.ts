import { spawn } from 'node:child_process';
import { Agent, get, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createOneRequestServer } from '../../src/net/one-request-per-connection.ts';
import { head, openSocket } from '../fixtures/axon.ts';
import { until } from '../fixtures/until.ts';

const MIB = 1024 * 1024;

/** A server whose handler does as the test says, and what it was asked. */
async function start(answer: RequestListener) {
  const handled: string[] = [];
  let seen = 0;
  let closed = 0;
  const server = createOneRequestServer({}, (request, response) => {
    handled.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.on('request', () => seen++);
  server.on('connection', (socket) => socket.once('close', () => closed++));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { port, handled, seen: () => seen, closed: () => closed };
}

const never: RequestListener = () => undefined;
const atOnce: RequestListener = (_request, response) => response.end('answer');
const soon: RequestListener = (_request, response) => setImmediate(() => response.end('answer'));

const REQUESTS: ReadonlyArray<[string, string]> = [
  ['a GET', head('GET /', {})],
  ['a HEAD', head('HEAD /', {})],
  ['a GET without a host', 'GET / HTTP/1.1\r\n\r\n'],
  ['a GET that expects what nobody knows', head('GET /', { Expect: 'wonders' })],
  ['a GET that asks for another protocol', head('GET /', { Connection: 'Upgrade', Upgrade: 'h2c' })],
  ['a POST that waits to go on', `${head('POST /', { Expect: '100-continue', 'Content-Length': 1 })}x`],
  ['a POST with a body', `${head('POST /', { 'Content-Length': 4 })}body`],
  ['a chunked POST with a trailer', `${head('POST /', { 'Transfer-Encoding': 'chunked' })}0\r\nA: b\r\n\r\n`],
];

describe('a second request on a connection', () => {
  describe.each([
    ['answered at once', atOnce],
    ['answered soon', soon],
    ['never answered', never],
  ])('with the first one %s', (_when, answer) => {
    it.each(REQUESTS)('a second request in the same read ends the connection: %s', async (_name, request) => {
      const { port, handled, seen } = await start(answer);
      const client = openSocket(port);
      client.write(request.repeat(Math.floor((64 * 1024) / request.length)));
      const prod = setInterval(() => client.write(request), 20);
      await client.closed;
      clearInterval(prod);
      expect(handled.length).toBeLessThanOrEqual(1);
      // The others in the same read are not even made into objects.
      expect(seen()).toBeLessThanOrEqual(2);
    });
  });

  it.each(REQUESTS.filter(([, request]) => !request.includes('Upgrade')))(
    'in a later read ends the connection while the first is open: %s',
    async (_name, request) => {
      const { port, handled, seen } = await start(never);
      const client = openSocket(port);
      client.write(head('GET /first', {}));
      await until(() => seen() === 1);
      client.write(request);
      await client.ended;
      expect(handled).toEqual(['GET /first']);
      expect(client.text()).toBe('');
    },
  );

  it('a second request in a later read ends the connection while the first answer is not read', async () => {
    const { port, handled } = await start((_request, response) => response.end(Buffer.alloc(20 * MIB)));
    const client = openSocket(port);
    client.socket.pause();
    client.write(head('GET /first', {}));
    await until(() => handled.length === 1);
    const prod = setInterval(() => client.write(head('GET /second', {})), 20);
    await client.closed;
    clearInterval(prod);
    expect(handled).toEqual(['GET /first']);
  });

  it('a second request leaves other connections alone', async () => {
    const { port, handled } = await start(soon);
    const others = Array.from({ length: 10 }, () => openSocket(port));
    const pipelining = openSocket(port);
    pipelining.write(head('GET /', {}).repeat(2));
    for (const other of others) other.write(head('GET /other', {}));
    await pipelining.ended;
    await until(() => others.every((other) => other.text().endsWith('answer')));
    expect(handled.filter((request) => request === 'GET /other')).toHaveLength(10);
  });
});

describe('a request', () => {
  it('an HTTP/1.1 request without a host is refused, and one of HTTP/1.0 is not', async () => {
    const { port, handled } = await start(atOnce);
    const client = openSocket(port);
    client.write('GET / HTTP/1.1\r\n\r\n');
    await client.ended;
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*Connection: close\r\n/s);
    expect(handled).toEqual([]);
    const older = openSocket(port);
    older.write('GET /older HTTP/1.0\r\n\r\n');
    await older.ended;
    expect(older.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('a request with an unknown expectation is answered', async () => {
    const { port } = await start(atOnce);
    const client = openSocket(port);
    client.write(head('GET /', { Expect: 'wonders' }));
    await until(() => client.text().endsWith('answer'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('a request that waits for 100 Continue gets it', async () => {
    const { port } = await start((request, response) =>
      request.resume().on('end', () => response.end('answer')),
    );
    const client = openSocket(port);
    client.write(head('POST /', { Expect: '100-continue', 'Content-Length': 4 }));
    await until(() => client.text() === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.write('body');
    await until(() => client.text().endsWith('answer'));
  });

  it('a request for another protocol is answered, and the connection ends', async () => {
    const { port } = await start(soon);
    const client = openSocket(port);
    client.write(head('GET /', { Connection: 'Upgrade', Upgrade: 'h2c' }));
    await client.ended;
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*answer$/s);
  });
});

/** Sends from a process of its own, so that the next request races with what this one does after an answer. */
async function sendOneByOne(port: number, count: number, request: string | Buffer): Promise<unknown> {
  const client = join(import.meta.dirname, 'keep-alive-client.mjs');
  const child = spawn(process.execPath, [client, String(port), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(request);
  onTestFinished(() => {
    child.kill();
  });
  return json(child.stdout);
}

describe('a client that sends when it has read the answer is never cut', () => {
  it('a client that reads small answers is never cut off', async () => {
    const { port } = await start(atOnce);
    const result = await sendOneByOne(port, 5_000, head('GET /', {}));
    expect(result).toEqual({ statuses: { 200: 5_000 } });
  });

  it.each([
    ['in one piece', (_request, response) => response.end(Buffer.alloc(5 * MIB + 1))],
    [
      'in pieces',
      (_request, response) => {
        response.writeHead(200, { 'Content-Length': 5 * MIB });
        for (let piece = 0; piece < 5; piece++) response.write(Buffer.alloc(MIB));
        response.end();
      },
    ],
  ] as ReadonlyArray<[string, RequestListener]>)(
    'a client that reads answers of 5 MiB %s is never cut off',
    async (_name, answer) => {
      const { port } = await start(answer);
      expect(await sendOneByOne(port, 200, head('GET /', {}))).toEqual({ statuses: { 200: 200 } });
    },
  );

  it('a client whose uploads are read or refused is never cut off', async () => {
    let served = 0;
    const { port } = await start((request, response) => {
      if (++served % 2 === 1) response.writeHead(401).end('refused');
      else request.resume().on('end', () => response.end('answer'));
    });
    // A multiple of what one read takes: the next request may then come before the event loop turns.
    const upload = Buffer.concat([
      Buffer.from(head('POST /', { 'Content-Length': 4 * 64 * 1024 })),
      Buffer.alloc(4 * 64 * 1024),
    ]);
    expect(await sendOneByOne(port, 2_000, upload)).toEqual({ statuses: { 200: 1_000, 401: 1_000 } });
  });

  it.each([
    ['Node’s agent', askWithAgent],
    ['fetch', askWithFetch],
  ])('a client with %s is never cut off', async (_name, ask) => {
    const { port, closed } = await start((_request, response) => response.end(Buffer.alloc(300_000)));
    await ask(port, 500);
    expect(closed()).toBe(0);
  });
});

async function askWithAgent(port: number, times: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  for (let count = 0; count < times; count++) {
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      get({ host: '127.0.0.1', port, agent }, resolve).on('error', reject),
    );
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
    expect(bytes).toBe(300_000);
  }
}

async function askWithFetch(port: number, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect((await response.arrayBuffer()).byteLength).toBe(300_000);
  }
}
