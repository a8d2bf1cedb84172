import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { addressGroup } from './address-group.ts';

/** Bounds the connections of a server: their number, and how long a request keeps one. Owned by the server. */
export interface Connections {
  /** Ends the connections without an open request, and new ones, so that the server can close. */
  drain(): void;
}

interface ConnectionsOptions {
  readonly maxConnections: number;
  /** How long a request may stay open, from its headers to the end of its answer. */
  readonly requestLifeMs: number;
  /** How long the rest of a refused body is read and dropped, so that the caller can read the refusal. */
  readonly lingerMs: number;
}

/** Shorter, because reading chunks can block the event loop. Validators send none. */
const CHUNKED_LINGER_MS = 100;

interface OpenConnection {
  readonly socket: Socket;
  /** The part of the remote address that counts as one host. */
  readonly host: string;
  /** Requests without a complete answer. */
  openRequests: number;
  /** Ends the connection when the newest request has been open for too long. */
  life: NodeJS.Timeout | undefined;
}

/**
 * Watches the connections of a server that allows one open request on each. If there are too many, the address with the
 * most of them loses one, so that a host that opens thousands shuts out only itself. A connection whose answer is not
 * read ends too: nobody keeps one for longer than a request may stay open.
 */
export function watchConnections(server: Server, options: ConnectionsOptions): Connections {
  const { maxConnections, requestLifeMs, lingerMs } = options;
  /** In the order of arrival. */
  const connections = new Map<Socket, OpenConnection>();
  let draining = false;

  /** The oldest connection of the address with the most; one without a request if there is one. */
  function leastDeserving(): OpenConnection | undefined {
    const counts = new Map<string, number>();
    for (const { host } of connections.values()) counts.set(host, (counts.get(host) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const candidates = [...connections.values()].filter(({ host }) => counts.get(host) === most);
    return candidates.find(({ openRequests }) => openRequests === 0) ?? candidates[0];
  }

  server.on('connection', (socket: Socket) => {
    if (draining) {
      socket.destroy();
      return;
    }
    const connection: OpenConnection = {
      socket,
      host: addressGroup(socket.remoteAddress ?? ''),
      openRequests: 0,
      life: undefined,
    };
    connections.set(socket, connection);
    socket.once('close', () => {
      clearTimeout(connection.life);
      connections.delete(socket);
    });
    if (connections.size > maxConnections) leastDeserving()?.socket.destroy();
  });

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const connection = connections.get(socket);
    // The bound of one request for each connection has just ended it.
    if (connection === undefined || socket.destroyed) return;
    connection.openRequests++;
    clearTimeout(connection.life);
    connection.life = setTimeout(() => socket.destroy(), requestLifeMs);
    response.once('close', () => {
      connection.openRequests--;
      if (connection.openRequests === 0) clearTimeout(connection.life);
      if (request.complete || socket.destroyed) return;
      const isChunked = request.headers['transfer-encoding'] !== undefined;
      const linger = setTimeout(() => socket.destroy(), isChunked ? CHUNKED_LINGER_MS : lingerMs);
      request.once('close', () => clearTimeout(linger));
    });
  });

  return {
    drain() {
      draining = true;
      for (const { socket, openRequests } of connections.values()) if (openRequests === 0) socket.destroy();
    },
  };
}
