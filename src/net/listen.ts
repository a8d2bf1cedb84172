import type { FastifyInstance } from 'fastify';
import { MinerError } from '../errors.ts';
import { portHolders } from './port-holders.ts';

/**
 * Makes a server listen.
 * @returns the port; the one that the system chose if `port` is 0
 * @throws MinerError AXON_PORT_IN_USE, AXON_ADDRESS_UNAVAILABLE
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

/** An error of listening. It becomes a MinerError if the port or the address is not available. */
export function asPortError(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRNOTAVAIL') {
    return new MinerError('AXON_ADDRESS_UNAVAILABLE', `${host} is not an address of this host`, {
      cause: error,
    });
  }
  if (code === 'EACCES') {
    return new MinerError('AXON_PORT_IN_USE', `port ${port} on ${host} may not be used by this user`, {
      cause: error,
    });
  }
  if (code !== 'EADDRINUSE') return error;
  const who = portHolders(port)
    .map(({ pid, program }) => `${program} (process ${pid})`)
    .join(', ');
  const why = who === '' ? 'is in use' : `is in use by ${who}`;
  return new MinerError('AXON_PORT_IN_USE', `port ${port} on ${host} ${why}`, { cause: error });
}
