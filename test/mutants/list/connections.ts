import type { Mutant } from '../mutant.ts';

/** What strangers can do to the ports: connections, times, the operator's port, the log, the development chain. */

const SERVER = {
  file: 'src/axon/server.ts',
  tests: ['test/axon/server.test.ts', 'test/axon/headers.test.ts', 'test/axon/connections.test.ts'],
};
const CONNECTION = {
  file: 'src/net/connections.ts',
  tests: ['test/net/connections.test.ts', 'test/axon/connections.test.ts'],
};
const ONE_REQUEST = {
  file: 'src/net/one-request-per-connection.ts',
  tests: ['test/net/one-request-per-connection.test.ts'],
};
const ADMIN = { file: 'src/admin/server.ts', tests: ['test/admin/server.test.ts'] };
const REQUEST_LOG = { file: 'src/telemetry/request-log.ts', tests: ['test/telemetry/request-log.test.ts'] };
const DEVNET = { file: 'src/devnet/rpc/rpc-server.ts', tests: ['test/devnet/node.test.ts'] };

export const CONNECTIONS: readonly Mutant[] = [
  {
    ...SERVER,
    name: 'Headers may take for ever',
    find: 'headersTimeout: HEADERS_TIMEOUT_MS,',
    replace: 'headersTimeout: 0,',
  },
  { ...SERVER, name: 'Headers of 64 KiB are refused', find: 'maxHeaderSize: MAX_HEADER_BYTES,', replace: '' },
  {
    ...SERVER,
    name: 'A caller names its own address',
    find: 'trustProxy: false,',
    replace: 'trustProxy: true,',
  },
  {
    ...SERVER,
    name: 'A request that comes while the miner closes is worked on',
    find: 'if (closing) {',
    replace: 'if (false) {',
    reason:
      'closing ends every connection on which such a request could come; the check stays for what arrives meanwhile',
  },
  {
    ...SERVER,
    name: 'A malformed content type is an error',
    find: "delete request.raw.headers['content-type'];",
    replace: '',
  },
  {
    ...SERVER,
    name: 'A connection stays after what is not HTTP',
    find: 'const linger = setTimeout(() => socket.destroy(), LINGER_MS);',
    replace: 'const linger = setTimeout(() => undefined, 0);',
  },
  {
    ...SERVER,
    tests: ['test/axon/server.test.ts'],
    name: 'Unsigned requests may come without end',
    find: '!isSigned(request) && !rate.take(remoteAddress)',
    replace: 'false',
  },
  {
    ...SERVER,
    tests: ['test/axon/server.test.ts'],
    name: 'A signature on a request that needs none buys it any rate',
    find: 'routeOptions.config.isSigned === true && ',
    replace: '',
  },
  {
    ...SERVER,
    tests: ['test/axon/server.test.ts'],
    name: 'Signed requests have a rate as well',
    find: '!isSigned(request) && ',
    replace: '',
  },
  {
    ...SERVER,
    tests: ['test/axon/server.test.ts'],
    name: 'Any number of requests are open at the public port',
    find: 'if (leave === undefined) {',
    replace: 'if (false) {',
  },
  {
    ...SERVER,
    tests: ['test/axon/server.test.ts'],
    name: 'A request that is over stays open',
    find: "reply.raw.once('close', leave);",
    replace: '',
  },
  {
    ...SERVER,
    name: 'Slow headers are looked for each half minute only',
    find: 'connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,',
    replace: '',
  },
  {
    ...CONNECTION,
    name: 'There may be any number of connections',
    find: 'if (connections.size > maxConnections) leastDeserving()?.socket.destroy();',
    replace: '',
  },
  {
    ...CONNECTION,
    name: 'The oldest connection makes way, whoever has the most',
    find: 'counts.get(host) === most',
    replace: 'true',
  },
  {
    ...CONNECTION,
    name: 'An answer may be read for ever',
    find: 'connection.life = setTimeout(() => socket.destroy(), requestLifeMs);',
    replace: '',
  },
  {
    ...CONNECTION,
    name: 'The rest of a refused body is thrown away for ever',
    find: 'const linger = setTimeout(() => socket.destroy(), ',
    replace: 'const linger = setTimeout(() => undefined, ',
  },
  {
    ...CONNECTION,
    name: 'Connections are accepted while the server closes',
    find: 'if (draining) {',
    replace: 'if (false) {',
  },
  {
    ...CONNECTION,
    name: 'A refused body in chunks takes the time of one of a length',
    find: 'isChunked ? CHUNKED_LINGER_MS : lingerMs',
    replace: 'lingerMs',
  },
  {
    ...CONNECTION,
    name: 'The addresses of a host of IPv6 have connections of their own',
    find: "addressGroup(socket.remoteAddress ?? '')",
    replace: "socket.remoteAddress ?? ''",
  },
  {
    ...CONNECTION,
    name: 'A connection on which a request is answered makes way like a silent one',
    find: 'candidates.find(({ openRequests }) => openRequests === 0) ?? candidates[0]',
    replace: 'candidates[0]',
  },
  {
    ...ONE_REQUEST,
    name: 'A read may hold many requests',
    find: 'if (before?.readBytes === readBytes) {',
    replace: 'if (false) {',
  },
  {
    ...ONE_REQUEST,
    name: 'A request may come while another is open on its connection',
    find: '} else if (before?.openAnswer === undefined) {',
    replace: '} else if (before !== undefined || before === undefined) {',
  },
  {
    ...ONE_REQUEST,
    name: 'A request without a host is answered',
    find: "httpVersion === '1.1' && headers.host === undefined",
    replace: 'false',
  },
  {
    ...ONE_REQUEST,
    name: 'A connection goes on after it was asked for another protocol',
    find: 'isMalformed || headers.upgrade !== undefined',
    replace: 'isMalformed',
  },
  {
    ...ADMIN,
    name: "A web page elsewhere can read the operator's port",
    find: "if (LOOPBACK_HOST.test(request.headers.host ?? '')) return;",
    replace: 'return;',
  },
  {
    ...ADMIN,
    name: "There may be any number of connections to the operator's port",
    find: 'maxConnections: MAX_CONNECTIONS,',
    replace: 'maxConnections: 1_000_000,',
  },
  {
    ...ADMIN,
    name: "An answer of the operator's port may be read for ever",
    find: 'requestLifeMs: REQUEST_LIFE_MS,',
    replace: 'requestLifeMs: 3_600_000,',
  },
  {
    ...ADMIN,
    name: "Headers at the operator's port may take for ever",
    find: 'headersTimeout: 10_000, requestTimeout: 10_000',
    replace: 'headersTimeout: 0, requestTimeout: 0',
  },
  {
    ...ADMIN,
    name: "Slow headers at the operator's port are looked for each half minute only",
    find: ', connectionsCheckingInterval: 1_000',
    replace: '',
  },
  {
    ...REQUEST_LOG,
    name: 'Strangers may fill the log',
    find: 'if (linesInWindow++ < UNVERIFIED_LINES) return true;',
    replace: 'if (linesInWindow++ >= 0) return true;',
  },
  {
    ...DEVNET,
    name: 'The development chain listens on any address',
    find: 'if (!LOOPBACK_HOSTS.includes(host)) {',
    replace: 'if (false) {',
  },
  {
    ...DEVNET,
    name: 'A web page elsewhere can move the development chain by posting to it',
    find: 'if (!isOriginLocal(request.headers.origin)) return void refuse(403);',
    replace: '',
  },
  {
    ...DEVNET,
    name: 'A web page elsewhere can move the development chain by a WebSocket',
    find: 'verifyClient: ({ origin }: { origin?: string }) => isOriginLocal(origin),',
    replace: '',
  },
  {
    ...DEVNET,
    name: 'A request to the development chain may say that it has any length',
    find: "if (Number(request.headers['content-length']) > REQUEST_LIMIT_BYTES) return void refuse(413);",
    replace: '',
  },
  {
    ...DEVNET,
    name: 'A request to the development chain may have any length',
    find: "if (bytes > REQUEST_LIMIT_BYTES) throw new Error('the body is too long');",
    replace: '',
  },
  {
    ...DEVNET,
    name: 'A message to the development chain may have any length',
    find: 'maxPayload: REQUEST_LIMIT_BYTES,',
    replace: '',
  },
  {
    ...DEVNET,
    name: 'A client of the development chain may leave anything unread',
    find: 'if (socket.bufferedAmount > UNREAD_LIMIT_BYTES) socket.terminate();',
    replace: 'if (false) socket.terminate();',
  },
];
