import type { FastifyInstance } from 'fastify';
import { MinerError } from '../errors.ts';

/**
 * Makes a server listen, and names a port that cannot be had.
 * @returns the port, which differs from the one asked for when that was 0
 * @throws MinerError AXON_PORT_IN_USE
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw asPortError(error, host, port);
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** What listening failed with, as a MinerError AXON_PORT_IN_USE where the port cannot be had. */
export function asPortError(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error;
  const why = code === 'EACCES' ? 'may not be used by this user' : 'is in use';
  return new MinerError('AXON_PORT_IN_USE', `port ${port} on ${host} ${why}`, { cause: error });
}
