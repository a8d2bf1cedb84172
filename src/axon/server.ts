// The public port: its limits, and the answers to what no route serves. The assembly makes it.
import type { Socket } from 'node:net';
import Fastify, { type FastifyError, type FastifyRequest } from 'fastify';
import { createOpenRequests } from '../admission/open-requests.ts';
import { createRequestRate } from '../admission/request-rate.ts';
import { MinerError } from '../errors.ts';
import { addressGroup } from '../net/address-group.ts';
import { watchConnections } from '../net/connections.ts';
import { listen } from '../net/listen.ts';
import { createOneRequestServer } from '../net/one-request-per-connection.ts';
import { sendError } from './replies.ts';
import { type AxonRoutes, registerRoutes } from './routes.ts';

export interface AxonServer {
  /**
   * Starts to accept connections.
   * @returns the port; another one than asked for if that was 0
   * @throws MinerError AXON_PORT_IN_USE
   */
  listen(host: string, port: number): Promise<number>;
  /** Stops accepting, and resolves when all admitted requests are answered. */
  close(): Promise<void>;
}

/** Validators on testnet put masks and prompts into headers; with Node's own limit of 16 KiB they would get a 431. */
const MAX_HEADER_BYTES = 64 * 1024;
/** Connections at once; each takes a file descriptor. */
export const MAX_CONNECTIONS = 4_096;
/** Validators send about one request a minute; a waiting request holds memory and a connection. */
const MAX_OPEN_REQUESTS = 2_048;
const HEADERS_TIMEOUT_MS = 10_000;
/** Above the time a body may take, so that the route answers before Node cuts the connection. */
const REQUEST_TIMEOUT_MS = 15_000;
/** How often Node looks for connections past these times. */
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;
const KEEP_ALIVE_TIMEOUT_MS = 10_000;
/** Validators are gone 11 s after they started to connect, so a later answer would not be read. */
const REQUEST_LIFE_MS = 13_000;
/** How long the rest of a refused body is read and dropped, so that the caller gets to read the refusal. */
const LINGER_MS = 2_000;

interface AxonServerOptions extends AxonRoutes {
  /** Connections at once. */
  readonly maxConnections?: number;
  /** Requests at once, over all connections; one network address has at most half of them. */
  readonly maxOpenRequests?: number;
}

export function createAxonServer(options: AxonServerOptions): AxonServer {
  const { maxConnections = MAX_CONNECTIONS, maxOpenRequests = MAX_OPEN_REQUESTS, ...routes } = options;
  const app = Fastify({
    logger: false,
    trustProxy: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    serverFactory: (handler) =>
      createOneRequestServer(
        {
          maxHeaderSize: MAX_HEADER_BYTES,
          headersTimeout: HEADERS_TIMEOUT_MS,
          requestTimeout: REQUEST_TIMEOUT_MS,
          keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
          connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
        },
        handler,
      ),
    clientErrorHandler: answerClientError,
    // A malformed path, such as one with a broken percent-encoding.
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, new MinerError('AXON_REQUEST_INVALID', 'Bad Request', { cause: error }));
    },
  });
  const connections = watchConnections(app.server, {
    maxConnections,
    requestLifeMs: REQUEST_LIFE_MS,
    lingerMs: LINGER_MS,
  });
  const openRequests = createOpenRequests(maxOpenRequests);
  const rate = createRequestRate(routes.signed.clock);
  let closing = false;

  app.addHook('onRequest', async (request, reply) => {
    // The content type is an unsigned label. Bodies are known by their bytes, so a malformed label is not an error.
    delete request.raw.headers['content-type'];
    if (closing) {
      return sendError(reply, new MinerError('AXON_CLOSING', 'the miner is shutting down'));
    }
    const remoteAddress = addressGroup(request.ip);
    if (!isSigned(request) && !rate.take(remoteAddress)) {
      return sendError(
        reply,
        new MinerError('AXON_RATE', 'too many requests without a signature from this address'),
      );
    }
    const leave = openRequests.enter(remoteAddress);
    if (leave === undefined) {
      return sendError(reply, new MinerError('AXON_BUSY', 'too many requests are open'));
    }
    reply.raw.once('close', leave);
  });
  // Bodies stay in the socket until a route has checked the headers and reads them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onSend', async (_request, reply) => {
    // A kept-alive connection would hold up the shutdown until its timeout.
    if (closing) reply.header('Connection', 'close');
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const ours = (error.statusCode ?? 500) < 500;
    return sendError(
      reply,
      new MinerError(ours ? 'AXON_REQUEST_INVALID' : 'AXON_INTERNAL', error.message, { cause: error }),
    );
  });
  app.setNotFoundHandler(
    (request, reply) =>
      routes.synapse?.refuseUnknown(request, reply) ??
      sendError(reply, new MinerError('AXON_NOT_FOUND', 'Not Found')),
  );
  registerRoutes(app, routes);

  return {
    listen: (host, port) => listen(app, host, port),
    async close() {
      closing = true;
      connections.drain();
      await app.close();
    },
  };
}

/** Whether the request has a signature that its route will verify. Validators may share a network address with others. */
function isSigned({ headers, routeOptions }: FastifyRequest): boolean {
  const signature = headers['epistula-request-signature'] ?? headers.bt_header_dendrite_signature;
  return routeOptions.config.isSigned === true && signature !== undefined;
}

/** Answers what is not HTTP, in the form of all other refusals. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  const body = JSON.stringify({ detail: status.slice(4), code: 'AXON_REQUEST_INVALID' });
  // The other side may never close its half.
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}
