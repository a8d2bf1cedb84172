import type { Mutant } from '../mutant.ts';

/** What a signed request may do once its headers are read: its signature, its body, its time. */

const REQUEST = {
  file: 'src/axon/signed-request.ts',
  tests: ['test/axon/server.test.ts', 'test/axon/synapse.test.ts', 'test/e2e/refusals.test.ts'],
};
const BODY = { file: 'src/axon/receive-body.ts', tests: ['test/axon/receive-body.test.ts'] };
const EPISTULA = { ...REQUEST, file: 'src/axon/epistula-protocol.ts' };
const SYNAPSE = { ...REQUEST, file: 'src/axon/synapse-protocol.ts' };
const ROUTES = {
  file: 'src/axon/routes.ts',
  tests: ['test/axon/replies.test.ts', 'test/axon/synapse.test.ts'],
};

export const REQUESTS: readonly Mutant[] = [
  {
    ...EPISTULA,
    name: 'A signature over the body is not verified',
    find: 'return verify({ message, signature, id, freshForMs: STALE_AFTER_MS });',
    replace: 'return Promise.resolve(void [verify, message, signature, id, STALE_AFTER_MS]);',
  },
  {
    ...SYNAPSE,
    name: 'A signature over the headers is not verified',
    find: 'return verify(signed, () => {',
    replace: 'return (async (_: object, check: () => void) => { void verify; check(); })(signed, () => {',
  },
  {
    ...REQUEST,
    name: 'A body is received while the model still loads',
    find: 'route.precondition();',
    replace: '',
  },
  {
    ...REQUEST,
    name: 'A body may take a minute',
    find: 'LONGEST_REQUEST_MS - record.elapsedMs(),',
    replace: '60_000,',
  },
  {
    ...REQUEST,
    name: 'The file of a body stays after the answer',
    find: 'await body?.remove();',
    replace: '',
  },
  {
    ...REQUEST,
    name: 'The room of a body stays taken after the answer',
    find: 'account?.close();',
    replace: '',
  },
  {
    ...REQUEST,
    tests: ['test/axon/connections.test.ts'],
    name: 'Work goes on for a caller that went away',
    find: "deadline.cancel(new MinerError('AXON_BODY_ABORTED', 'the caller went away'));",
    replace: '',
  },
  {
    ...REQUEST,
    tests: ['test/axon/server.test.ts'],
    name: 'A copy on another path of the same task is served',
    find: 'remember({ hotkey, id, task, timestampMs',
    replace: 'remember({ hotkey, id, task: task && request.url, timestampMs',
  },
  {
    ...REQUEST,
    tests: ['test/axon/server.test.ts'],
    name: 'An upload whose signature was verified still shares the room of those that are not',
    find: 'account?.confirm();',
    replace: '',
  },
  {
    ...SYNAPSE,
    tests: ['test/axon/synapse.test.ts'],
    name: 'The body of a synapse is waited for when its caller is gone',
    find: 'AbortSignal.any([stop, deadline])',
    replace: '(deadline ? stop : stop)',
  },
  {
    ...REQUEST,
    tests: ['test/axon/server.test.ts'],
    name: 'Each address of a host of IPv6 has a share of its own',
    find: 'const remoteAddress = addressGroup(request.ip);',
    replace: 'const remoteAddress = request.ip;',
  },
  {
    ...BODY,
    name: 'A body that says it is too large is received',
    find: 'if (declaredBytes !== undefined && declaredBytes > limitBytes) throw tooLarge(limitBytes);',
    replace: '',
  },
  {
    ...BODY,
    name: 'A body that becomes too large is received',
    find: 'if (store.length + chunk.length > limitBytes) throw tooLarge(limitBytes);',
    replace: '',
  },
  {
    ...BODY,
    name: 'The bytes of a body take no room',
    find: 'await account.charge(chunk.length);',
    replace: '',
  },
  { ...BODY, name: 'A body is not hashed', find: 'hash.update(chunk);', replace: '' },
  {
    ...BODY,
    name: 'An unproven caller may upload as slowly as it likes',
    find: 'if (slow) stop.abort(',
    replace: 'if (false) stop.abort(',
  },
  {
    ...BODY,
    name: 'A proven caller may upload as slowly as it likes',
    find: 'account.ageMs() >= PROVEN_RATE_GRACE_MS || ',
    replace: '',
  },
  {
    ...BODY,
    name: 'A proven caller has no longer grace than others for a slow beginning',
    find: ' || !(await account.proven());',
    replace: ' || true;',
  },
  {
    ...BODY,
    name: 'A small body that comes slowly is ended',
    find: 'declaredBytes <= RATE_FREE_BYTES || ',
    replace: '',
  },
  {
    ...BODY,
    name: 'A body is kept in memory, however large',
    find: 'spill === undefined && length <= MEMORY_THRESHOLD_BYTES',
    replace: 'spill === undefined',
  },
  {
    ...BODY,
    tests: ['test/e2e/refusals.test.ts'],
    name: 'A body may come in chunks of one byte',
    find: 'MAX_FRAMING_RATIO * received + FREE_FRAMING_BYTES',
    replace: 'Number.POSITIVE_INFINITY',
  },
  {
    ...BODY,
    name: 'A body that breaks off counts as whole',
    find: 'if (!raw.complete) throw',
    replace: 'if (false) throw',
    reason: 'Node itself fails the body then; the check stays for the case that a later Node does not',
  },
  { ...BODY, name: 'The file of a refused body stays', find: 'await store.remove();', replace: '' },
  {
    ...ROUTES,
    name: 'The media that a synapse gives back takes no room',
    find: 'room.charge(protocol.returnedBytes(body));',
    replace: '',
  },
  {
    ...ROUTES,
    name: 'The room of an answer stays taken when its request is over',
    find: 'room.close();',
    replace: '',
  },
  {
    ...ROUTES,
    name: 'A route of a task does not check that its model is warm',
    find: 'precondition: () => assertWarm(answerer, task),',
    replace: 'precondition: () => void assertWarm,',
  },
];
