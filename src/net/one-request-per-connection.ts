import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';

/** The newest request of a connection. */
interface Newest {
  /** Its answer, until the kernel has all of it. It stays set if the connection ends with this answer. */
  openAnswer: ServerResponse | undefined;
  /** Bytes read from the connection when the headers of the request were complete. */
  readonly readBytes: number;
}

/**
 * An HTTP server with at most one open request on each connection. A second request ends the connection; the handler
 * never sees it. A request is a second one if it comes before the kernel has the whole answer to the previous request,
 * or in the same read as the headers of the previous request. A client that reads each answer before its next request
 * is never cut off, provided that the handler ends an answer together with its last bytes.
 *
 * Without this bound, Node handles every request in a read, about 2,400 short ones in 64 KiB, and keeps all of them and
 * their answers until the client reads. A few hundred connections that never read would fill the heap.
 *
 * @param options `requireHostHeader` is left out: an answer by Node itself would bypass this bound, so a missing header
 *   is refused here
 */
export function createOneRequestServer(
  options: Omit<ServerOptions, 'requireHostHeader'>,
  handler: RequestListener,
): Server {
  const newest = new WeakMap<Socket, Newest>();
  const server = createServer({ ...options, requireHostHeader: false }, (request, response) => {
    const { socket } = request;
    const { bytesRead: readBytes } = socket;
    const before = newest.get(socket);
    const current: Newest = { openAnswer: response, readBytes };
    newest.set(socket, current);
    response.once('close', () => {
      if (response.shouldKeepAlive) current.openAnswer = undefined;
    });
    if (before?.readBytes === readBytes) {
      cut(socket);
    } else if (before?.openAnswer === undefined) {
      answer(request, response, handler);
    } else if (before.openAnswer.writableEnded) {
      // Node may read the next request before it learns that the last bytes of the answer have gone out.
      setImmediate(() => {
        if (socket.destroyed) return;
        if (before.openAnswer === undefined) answer(request, response, handler);
        else cut(socket);
      });
    } else {
      cut(socket);
    }
  });
  // Node would answer an unknown expectation itself, with 417. RFC 9110 lets a server ignore it.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return server;
}

function answer(request: IncomingMessage, response: ServerResponse, handler: RequestListener): void {
  const { headers, httpVersion } = request;
  // RFC 9112, section 3.2.
  const isMalformed = httpVersion === '1.1' && headers.host === undefined;
  // No server here changes the protocol. The parser drops the rest of a read after such a request.
  if (isMalformed || headers.upgrade !== undefined) response.shouldKeepAlive = false;
  if (isMalformed) response.writeHead(400).end();
  else handler(request, response);
}

/** Node's parser of a connection. It is not documented. Without it the bound still holds, but costs more. */
interface ParsedSocket extends Socket {
  readonly parser?: { onIncoming: () => number } | null;
}

/** Node's parser takes this as "no more HTTP on this connection", as after an upgrade. */
const END_OF_HTTP = 2;

/**
 * Ends the connection, and stops the parser. A destroyed socket alone does not stop it: Node would still make an object
 * of each request that it has read. 64 KiB of requests block the event loop for 25 ms, and with a stopped parser for
 * 0.3 ms.
 */
function cut(socket: ParsedSocket): void {
  if (socket.parser) socket.parser.onIncoming = () => END_OF_HTTP;
  socket.destroy();
}
