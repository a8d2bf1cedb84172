import { once } from 'node:events';
import { createServer } from 'node:net';
import { asPortError } from './listen.ts';
import { portHolders } from './port-holders.ts';

interface CheckPortOptions {
  readonly host: string;
  readonly port: number;
  /** Processes that are about to end. Their ports count as free. */
  readonly replacing: readonly number[];
}

/**
 * Checks whether the miner can listen on a port, by listening for a moment.
 * @throws MinerError AXON_PORT_IN_USE, AXON_ADDRESS_UNAVAILABLE
 */
export async function checkPort({ host, port, replacing }: CheckPortOptions): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const holders = portHolders(port);
    const isOurs = holders.length > 0 && holders.every(({ pid }) => replacing.includes(pid));
    if (isOurs && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return;
    throw asPortError(error, host, port);
  }
  server.close();
  await once(server, 'close');
}
