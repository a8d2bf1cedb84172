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
  /** Its answer until the whole of that has been handed to the kernel; for good if the connection ends with it. */
  openAnswer: ServerResponse | undefined;
  /** What had been read from the connection when the headers of the request were complete. */
  readonly readBytes: number;
}

/**
 * An HTTP server with at most one open request on each connection. A second one ends the connection, and the handler
 * never sees it. A second one is a request that comes before the whole answer to the one before has been handed to the
 * kernel, or in the same read as the headers of the one before. A client that sends its next request when it has read
 * the answer is never cut, provided that the handler ends its answers together with their last bytes.
 *
 * Without this bound, Node hands over every request that a read holds, some 2,400 of the shortest in 64 KiB, and keeps all
 * of them and their answers until the client reads: a few hundred connections that never read fill the heap.
 *
 * @param options Without `requireHostHeader`: what Node answers by itself never reaches this bound, so a missing header
 * is refused here.
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
      // Node learns that the last bytes have gone out only after it has read what the client sent on receiving them.
      setImmediate(() => {
        if (socket.destroyed) return;
        if (before.openAnswer === undefined) answer(request, response, handler);
        else cut(socket);
      });
    } else {
      cut(socket);
    }
  });
  // Node would answer an expectation that it does not know by itself, with 417; RFC 9110 lets a server ignore it.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return server;
}

function answer(request: IncomingMessage, response: ServerResponse, handler: RequestListener): void {
  const { headers, httpVersion } = request;
  // RFC 9112, section 3.2.
  const isMalformed = httpVersion === '1.1' && headers.host === undefined;
  // No server here changes to another protocol, and the parser drops whatever follows such a request in the same read.
  if (isMalformed || headers.upgrade !== undefined) response.shouldKeepAlive = false;
  if (isMalformed) response.writeHead(400).end();
  else handler(request, response);
}

/** Where Node keeps the parser of a connection. It is not documented; without it the bound holds, only slower. */
interface ParsedSocket extends Socket {
  readonly parser?: { onIncoming: () => number } | null;
}

/** What Node's parser takes for "no more HTTP on this connection", as after an upgrade. */
const END_OF_HTTP = 2;

/**
 * Ends the connection, and keeps Node from making an object of each further request in the bytes that it has already
 * read. A destroyed socket does not stop its parser: 64 KiB of requests take 25 ms of the event loop, and with this 0.3 ms.
 */
function cut(socket: ParsedSocket): void {
  if (socket.parser) socket.parser.onIncoming = () => END_OF_HTTP;
  socket.destroy();
}
