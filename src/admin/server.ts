import Fastify from 'fastify';
import { watchConnections } from '../net/connections.ts';
import { listen } from '../net/listen.ts';
import { createOneRequestServer } from '../net/one-request-per-connection.ts';

/** Whether the miner earns, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  /** Sentences; empty when ready. */
  readonly reasons: readonly string[];
  /** What is not as it should be, though requests are answered; sentences. */
  readonly warnings: readonly string[];
}

export interface AdminSource {
  readiness(): Readiness;
  /** Plain JSON without secrets: all that an operator would ask of this process. */
  status(): Readonly<Record<string, unknown>>;
}

export interface AdminServer {
  /**
   * @returns the port, which differs from the one asked for when that was 0
   * @throws MinerError AXON_PORT_IN_USE
   */
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

/** Names by which this machine reaches itself; a page elsewhere that resolves its own name to 127.0.0.1 has another. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** Every user of this machine can connect; the port must not take the files and the memory of the public one. */
const MAX_CONNECTIONS = 64;
/** Answers are ready at once; what has not been read by then will not be. */
const REQUEST_LIFE_MS = 10_000;
/** No route reads a body. */
const LINGER_MS = 1_000;
/** Node looks for connections past the other two times only so often; every 30 s if it is not told. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

/** The operator's port on loopback: `/livez`, `/readyz`, `/status`. A failed readiness never fails liveness. */
export function createAdminServer(source: AdminSource): AdminServer {
  const app = Fastify({
    logger: false,
    forceCloseConnections: true,
    return503OnClosing: false,
    serverFactory: (handler) => createOneRequestServer(TIMEOUTS, handler),
  });
  watchConnections(app.server, {
    maxConnections: MAX_CONNECTIONS,
    requestLifeMs: REQUEST_LIFE_MS,
    lingerMs: LINGER_MS,
  });
  app.addHook('onRequest', async (request, reply) => {
    if (LOOPBACK_HOST.test(request.headers.host ?? '')) return;
    return reply.code(403).send({ detail: 'only reached as localhost' });
  });
  app.get('/livez', async (_request, reply) => reply.send({ alive: true }));
  app.get('/readyz', async (_request, reply) => {
    const readiness = source.readiness();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/status', async (_request, reply) => reply.send(source.status()));
  return {
    listen: (host, port) => listen(app, host, port),
    close: () => app.close(),
  };
}
