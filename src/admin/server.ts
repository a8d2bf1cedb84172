import Fastify from 'fastify';
import { listen } from '../net/listen.ts';

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

/** The operator's port on loopback: `/livez`, `/readyz`, `/status`. A failed readiness never fails liveness. */
export function createAdminServer(source: AdminSource): AdminServer {
  const app = Fastify({ logger: false, forceCloseConnections: true, return503OnClosing: false });
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
