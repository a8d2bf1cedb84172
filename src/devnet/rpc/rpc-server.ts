import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { MinerError } from '../../errors.ts';
import { asPortError } from '../../net/listen.ts';
import { createOneRequestServer } from '../../net/one-request-per-connection.ts';
import { type Call, parseRequest, type RpcRequest, respond } from './dispatch.ts';

interface RpcServer {
  /** `ws://host:port` */
  readonly url: string;
  readonly port: number;
  /** Ends the open WebSockets. New ones are accepted. */
  dropConnections(): void;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** The node's side of one open WebSocket. */
interface Client {
  readonly call: Call;
  /** Called when the socket is closed. */
  close(): void;
}

interface RpcServerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Called for each new WebSocket; `notify` sends a JSON-RPC notification. */
  readonly connect: (notify: (method: string, params: unknown) => void) => Client;
  /** Answers HTTP POST, which has no subscriptions. */
  readonly callOnce: Call;
  /** Whether a request gets no answer now. */
  readonly isIgnored: (request: RpcRequest | undefined, transport: 'websocket' | 'http') => boolean;
  readonly onFault: (error: unknown) => void;
}

const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', 'localhost', '::1', '[::1]'];
const REQUEST_LIMIT_BYTES = 256 * 1024;
const CONNECTIONS_LIMIT = 64;
/** A client with more unread bytes than this is cut off: about fifty times the metadata, the longest answer. */
const UNREAD_LIMIT_BYTES = 2 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
/** How often Node looks for connections past their time; its default is 30 s. */
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;

/** The whole body as text. A body that is too long ends the connection. */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > REQUEST_LIMIT_BYTES) throw new Error('the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * A web page must not be able to change the chain through the browser of a person who tries the miner. Tools send no
 * origin, or that of this machine.
 */
function isOriginLocal(origin: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && LOOPBACK_HOSTS.includes(new URL(origin).hostname);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(asPortError(error, host, port)));
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

/**
 * JSON-RPC 2.0 over WebSocket and over HTTP POST on one port of this machine.
 *
 * @throws MinerError CONFIG_DEV_ONLY_LOOPBACK for a host that is not loopback, AXON_PORT_IN_USE for a taken port
 */
export async function createRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { host, port, connect, callOnce, isIgnored, onFault } = options;
  if (!LOOPBACK_HOSTS.includes(host)) {
    throw new MinerError('CONFIG_DEV_ONLY_LOOPBACK', `the development chain does not listen on ${host}`);
  }

  async function onPost(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number) => response.writeHead(status, { connection: 'close' }).end();
    if (!isOriginLocal(request.headers.origin)) return void refuse(403);
    if (request.method !== 'POST') return void refuse(405);
    if (Number(request.headers['content-length']) > REQUEST_LIMIT_BYTES) return void refuse(413);
    const parsed = parseRequest(await readBody(request));
    // The connection stays open, and the client waits.
    if (isIgnored(parsed, 'http')) return;
    const answer = respond(parsed, callOnce, onFault);
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer.text);
  }

  function onSocket(socket: WebSocket): void {
    const send = (text: string) => {
      if (socket.bufferedAmount > UNREAD_LIMIT_BYTES) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.send(text);
    };
    const client = connect((method, params) => send(JSON.stringify({ jsonrpc: '2.0', method, params })));
    socket.on('message', (data, isBinary) => {
      // One read may hold thousands of messages. Those after the one that cut the client off are ignored.
      if (socket.readyState !== socket.OPEN) return;
      const parsed = isBinary ? undefined : parseRequest(String(data));
      if (isIgnored(parsed, 'websocket')) return;
      const { text, afterwards } = respond(parsed, client.call, onFault);
      send(text);
      afterwards?.();
    });
    // A protocol error, such as a message that is too long, closes the socket by itself.
    socket.on('error', () => {});
    socket.on('close', () => client.close());
  }

  const timeouts = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
  };
  const server = createOneRequestServer(timeouts, (request, response) => {
    onPost(request, response).catch(() => response.destroy());
  });
  server.maxConnections = CONNECTIONS_LIMIT;
  const sockets = new WebSocketServer({
    server,
    maxPayload: REQUEST_LIMIT_BYTES,
    perMessageDeflate: false,
    verifyClient: ({ origin }: { origin?: string }) => isOriginLocal(origin),
  });
  sockets.on('connection', onSocket);
  // The WebSocket server repeats the errors of the HTTP server, which `listen` reports.
  sockets.on('error', () => {});

  const boundPort = await listen(server, host, port);
  return {
    url: `ws://${host === '::1' ? '[::1]' : host}:${boundPort}`,
    port: boundPort,
    dropConnections: () => {
      for (const socket of sockets.clients) socket.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        sockets.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
