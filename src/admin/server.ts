import Fastify from 'fastify';
import { watchConnections } from '../net/connections.ts';
import { listen } from '../net/listen.ts';
import { createOneRequestServer } from '../net/one-request-per-connection.ts';

/** Whether validators can find the miner and it answers them; if not, why. */
export interface Readiness {
  readonly ready: boolean;
  /** Sentences; empty when ready. */
  readonly reasons: readonly string[];
  /** Faults that do not keep requests from being answered; sentences. */
  readonly warnings: readonly string[];
}

export interface AdminSource {
  readiness(): Readiness;
  /** What an operator asks of this process, as plain JSON without secrets. */
  status(): Readonly<Record<string, unknown>>;
}

export interface AdminServer {
  /**
   * @returns the port; another one than asked for if that was 0
   * @throws MinerError AXON_PORT_IN_USE
   */
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

/** Names by which this machine reaches itself. A web page whose own name resolves to 127.0.0.1 has another name. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** Every user of this machine can connect; the port must not use up the file descriptors and memory of the public port. */
const MAX_CONNECTIONS = 64;
/** Answers are ready at once, so a connection that lasts longer is not reading. */
const REQUEST_LIFE_MS = 10_000;
/** No route reads a body. */
const LINGER_MS = 1_000;
/** Node looks for connections past the first two times at the third; every 30 s without it. */
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
