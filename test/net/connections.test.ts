import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { watchConnections } from '../../src/net/connections.ts';

/** Far more than a test lasts. */
const NEVER_MS = 3_600_000;

/** Resolves when a connection is over, by a reset too. */
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

interface ServeOptions {
  readonly maxConnections?: number;
  readonly requestLifeMs?: number;
  readonly lingerMs?: number;
  /** Where connections seem to come from, in turn: loopback has one address of IPv6 only. */
  readonly remoteAddresses?: string[];
}

/** A server whose connections are watched, and who calls it from an address of loopback. */
async function serve(
  listener: RequestListener,
  {
    maxConnections = 100,
    requestLifeMs = NEVER_MS,
    lingerMs = NEVER_MS,
    remoteAddresses = [],
  }: ServeOptions = {},
) {
  const server = createServer(listener);
  server.on('connection', (socket) => {
    const value = remoteAddresses.shift();
    if (value !== undefined) Object.defineProperty(socket, 'remoteAddress', { value });
  });
  const connections = watchConnections(server, { maxConnections, requestLifeMs, lingerMs });
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  const open = async (localAddress = '127.0.0.1'): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect');
    return socket;
  };
  return { open, connections };
}

describe('the connections of a server', () => {
  it('above the limit, the address with the most connections loses its oldest one', async () => {
    const { open } = await serve(() => undefined, { maxConnections: 3 });
    const lone = await open('127.0.0.2');
    const oldest = await open();
    const others = [await open(), await open()];
    await closed(oldest);
    expect([lone, ...others].map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
  });

  it('the IPv6 addresses of one host count together', async () => {
    const remoteAddresses = ['203.0.113.9', '203.0.113.9', '2001:db8::1', '2001:db8::2', '2001:db8::3'];
    const { open } = await serve(() => undefined, { maxConnections: 4, remoteAddresses });
    const others = [await open(), await open()];
    const oldest = await open();
    const crowd = [await open(), await open()];
    await closed(oldest);
    expect([...others, ...crowd].filter(({ destroyed }) => destroyed)).toEqual([]);
  });

  it('a connection that comes while the server drains ends at once', async () => {
    const { open, connections } = await serve(() => undefined);
    connections.drain();
    await closed(await open());
  });

  it('a connection ends if a request is open for too long', async () => {
    const { open } = await serve(() => undefined, { requestLifeMs: 100 });
    const socket = await open();
    socket.write('GET / HTTP/1.1\r\nHost: miner\r\n\r\n');
    await closed(socket);
  });

  it.each([
    ['of a length, after the time that is given', 'Content-Length: 1000000', 100, 'x'],
    ['in chunks, soon, however much time is given', 'Transfer-Encoding: chunked', NEVER_MS, '1\r\nx\r\n'],
  ])('end while the rest of a refused body still comes: %s', async (_what, header, lingerMs, piece) => {
    const { open } = await serve((_request, response) => response.writeHead(413).end('too large'), {
      lingerMs,
    });
    const socket = await open();
    socket.write(`POST / HTTP/1.1\r\nHost: miner\r\n${header}\r\n\r\n`);
    const drip = setInterval(() => socket.write(piece), 20);
    await closed(socket);
    clearInterval(drip);
  });

  it('a connection stays while the rest of a refused body has time left', async () => {
    const { open } = await serve((_request, response) => response.writeHead(413).end('too large'));
    const socket = await open();
    socket.write('POST / HTTP/1.1\r\nHost: miner\r\nContent-Length: 1000000\r\n\r\nx');
    await sleep(300);
    expect(socket.destroyed).toBe(false);
  });
});
