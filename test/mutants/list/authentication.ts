import type { Mutant } from '../mutant.ts';

/** Who may call at all: headers, age, receiver, signature, signer table, stake, and each request once. */

const HEADERS = { file: 'src/epistula/headers.ts', tests: ['test/epistula/headers.test.ts'] };
const MESSAGES = { ...HEADERS, tests: ['test/epistula/messages.test.ts'] };
const VERIFIER = {
  file: 'src/epistula/signature-verifier.ts',
  tests: ['test/epistula/signature-verifier.test.ts', 'test/epistula/signature-thread.test.ts'],
};
const VERIFY = { ...VERIFIER, tests: ['test/epistula/signature-verifier.test.ts'] };
const CHECKS = { tests: ['test/axon/epistula-protocol.test.ts', 'test/e2e/refusals.test.ts'] };
const EPISTULA = { ...CHECKS, file: 'src/axon/epistula-protocol.ts' };
const STAKE = { ...CHECKS, file: 'src/axon/stake-check.ts' };
const SIGNATURE = {
  file: 'src/axon/signed-request.ts',
  tests: ['test/axon/server.test.ts', 'test/e2e/refusals.test.ts'],
};
const REPLAY = { file: 'src/epistula/replay-guard.ts', tests: ['test/epistula/replay-guard.test.ts'] };

export const AUTHENTICATION: readonly Mutant[] = [
  {
    ...HEADERS,
    name: 'Any version of Epistula is taken',
    find: "if (headers['epistula-version'] !== '2') {",
    replace: "if (headers['epistula-version'] === undefined) {",
  },
  {
    ...HEADERS,
    name: 'A request for another receiver is taken',
    find: 'if (signedFor !== receiver) {',
    replace: 'if (signedFor === undefined) {',
  },
  { ...HEADERS, name: 'A timestamp may have any form', find: '/^[0-9]{1,16}$/', replace: '/^/' },
  {
    ...HEADERS,
    name: 'The signed timestamp is the text of the header',
    find: 'BigInt(timestamp).toString()',
    replace: 'timestamp',
  },
  {
    ...HEADERS,
    name: 'A uuid may have any form',
    find: "wellFormed(headers['epistula-uuid'], UUID,",
    replace: "wellFormed(headers['epistula-uuid'], /^/,",
  },
  {
    ...HEADERS,
    name: 'A signer may have any form',
    find: "wellFormed(headers['epistula-signed-by'], SS58,",
    replace: "wellFormed(headers['epistula-signed-by'], /^/,",
  },
  {
    ...HEADERS,
    name: 'A signature may have any form',
    find: "wellFormed(headers['epistula-request-signature'], SIGNATURE,",
    replace: "wellFormed(headers['epistula-request-signature'], /^/,",
  },
  {
    ...HEADERS,
    name: 'A secret signature may have any form',
    find: "typeof secretSignature === 'string' && SIGNATURE.test(secretSignature)",
    replace: "typeof secretSignature === 'string'",
  },
  {
    ...HEADERS,
    name: 'A stale request is taken',
    find: 'if (timestampMs + STALE_AFTER_MS < arrivedAtMs) {',
    replace: 'if (false) {',
  },
  {
    ...HEADERS,
    name: 'A request that is exactly 8 s old is refused',
    find: 'STALE_AFTER_MS < arrivedAtMs',
    replace: 'STALE_AFTER_MS <= arrivedAtMs',
  },
  {
    ...HEADERS,
    name: 'A request of any future date is taken',
    find: 'if (timestampMs > arrivedAtMs + futureToleranceMs) {',
    replace: 'if (false) {',
  },
  {
    ...EPISTULA,
    name: 'The age of a request is not judged',
    find: 'checkFreshness(claim.timestampMs, arrivedAtMs, futureToleranceMs);',
    replace: '',
  },
  {
    ...SIGNATURE,
    name: 'A signature is served once in all, not once for each task',
    find: 'remember({ hotkey, id, task, timestampMs',
    replace: "remember({ hotkey, id, task: task && 'any', timestampMs",
  },
  {
    ...EPISTULA,
    name: 'A caller without a secret signature counts as proven',
    find: 'if (signature === undefined) return false;',
    replace: 'if (signature === undefined) return true;',
  },
  {
    ...MESSAGES,
    name: 'The signature does not cover the body',
    find: 'return `${bodySha256Hex}.',
    replace: 'return `.',
  },
  { ...MESSAGES, name: 'The signature does not cover the uuid', find: '}.${uuid}.', replace: '}..' },
  {
    ...MESSAGES,
    name: 'The signature does not cover the timestamp',
    find: '.${timestampText}.',
    replace: '..',
  },
  {
    ...MESSAGES,
    name: 'The signature does not cover the receiver',
    find: '${timestampText}.${signedFor}',
    replace: '${timestampText}.',
  },
  {
    ...MESSAGES,
    name: 'The secret signature does not cover the receiver',
    find: '${at.toFixed(1)}.${signedFor}',
    replace: '${at.toFixed(1)}.',
  },
  {
    ...MESSAGES,
    name: 'The secret signature does not cover the interval',
    find: '${at.toFixed(1)}.',
    replace: '.',
  },
  {
    ...VERIFY,
    name: 'Every well-formed signature holds',
    find: 'return sr25519Verify(stringToU8a(message), hexToU8a(signature), decodeAddress(hotkey));',
    replace: 'return decodeAddress(hotkey).length > 0;',
  },
  {
    ...VERIFY,
    name: 'A signature that cannot be checked holds',
    find: 'return false;',
    replace: 'return true;',
  },
  {
    ...VERIFIER,
    name: 'One address may have any number of signatures waiting',
    find: 'if (queue.length >= MAX_WAITING_PER_ADDRESS) {',
    replace: 'if (false) {',
  },
  {
    ...VERIFIER,
    name: 'Addresses do not take turns at the signature thread',
    find: 'queues.delete(remoteAddress);',
    replace: 'if (queue.length <= 1) queues.delete(remoteAddress);',
  },
  {
    ...VERIFIER,
    name: 'A signature that the thread died on is never answered',
    find: "current?.job.fail(new MinerError('AXON_INTERNAL', 'the signature thread died', { cause }));",
    replace: '',
  },
  {
    ...VERIFIER,
    name: 'Signatures are accepted for checking after the end',
    find: 'if (closed) return fail(',
    replace: 'if (false) return fail(',
  },
  {
    ...CHECKS,
    file: 'src/epistula/replay-guard.ts',
    name: 'A request is taken while the memory of served requests is lost',
    find: 'if (timestampMs < trustsFromMs) {',
    replace: 'if (false) {',
  },
  {
    ...STAKE,
    name: 'A signer counts as unregistered while the table is not known',
    find: 'if (signer === undefined && !signers.signersKnown) {',
    replace: 'if (false) {',
  },
  {
    ...STAKE,
    name: 'A signer who is not in the table is admitted',
    find: 'if (signer === undefined) {',
    replace: 'if (signer === undefined) return { uid: 0, stakeTao: 0 };\n    if (false) {',
  },
  {
    ...STAKE,
    name: 'A signer of any stake is admitted',
    find: 'if (signer.stakeTao < minStakeTao) {',
    replace: 'if (false) {',
  },
  {
    ...STAKE,
    name: 'A signer of exactly the least stake is refused',
    find: 'signer.stakeTao < minStakeTao',
    replace: 'signer.stakeTao <= minStakeTao',
  },
  {
    ...SIGNATURE,
    name: 'The signature of a request is not checked',
    find: 'if (!(await holds(',
    replace: 'if (false && !(await holds(',
  },
  {
    ...SIGNATURE,
    name: 'A request is served as often as it comes',
    find: 'if (!replayGuard.remember(',
    replace: 'if (false && !replayGuard.remember(',
  },
  {
    ...STAKE,
    name: 'Any number of unknown hotkeys of one address wait for a fresh table',
    find: 'waiting >= MAX_WAITING_UNKNOWN_PER_ADDRESS',
    replace: 'false',
  },
  {
    ...REPLAY,
    name: 'The memory of served requests recognises none',
    find: 'if (expiry <= droppedUntilMs || seen.has(key) || seen.has(forEveryTask)) return false;',
    replace: 'if (expiry <= droppedUntilMs) return false;',
  },
  { ...REPLAY, name: 'A uuid in other letters is another request', find: 'id.toLowerCase()', replace: 'id' },
  {
    ...REPLAY,
    name: 'A request of one sender uses up the id of another',
    find: 'const forEveryTask = `${hotkey}:',
    replace: "const forEveryTask = `${'5'.repeat(48)}:",
  },
  {
    ...REPLAY,
    name: 'A lost memory of served requests is trusted',
    find: 'reload() ?? clock.now() + futureToleranceMs',
    replace: 'reload() ?? 0',
  },
  {
    ...REPLAY,
    name: 'A damaged memory of served requests is trusted',
    find: 'if (time === undefined || key === undefined) return undefined;',
    replace: 'if (time === undefined || key === undefined) continue;',
  },
  {
    ...REPLAY,
    name: 'A second restart forgets that the memory was lost',
    find: 'if (trustsFromMs > 0) kept.unshift([LOST, trustsFromMs]);',
    replace: '',
  },
  {
    ...REPLAY,
    name: 'A loss of the memory is forgotten when its time is over, so that a clock set back reopens it',
    find: 'if (trustsFromMs > 0) kept',
    replace: 'if (trustsFromMs > now) kept',
  },
  {
    ...REPLAY,
    tests: ['test/epistula/replay-guard.test.ts', 'test/axon/server.test.ts'],
    name: 'A copy on the path of another task uses up the id of a request',
    find: 'const key = `${forEveryTask}:${task}`;',
    replace: 'const key = `${forEveryTask}:any`;',
  },
  {
    ...REPLAY,
    name: 'A request that was served by an older release, which noted no task, is served again',
    find: ' || seen.has(forEveryTask)) return false;',
    replace: ') return false;',
  },
  {
    ...REPLAY,
    name: 'A wall clock that is set back reopens the window for what was forgotten',
    find: 'expiry <= droppedUntilMs || ',
    replace: '',
  },
  {
    ...REPLAY,
    name: 'What is forgotten while the miner runs leaves no trace',
    find: 'droppedUntilMs = Math.max(droppedUntilMs, expiry);',
    replace: '',
  },
  {
    ...REPLAY,
    name: 'A restart loses the time until which requests were forgotten',
    find: 'if (droppedUntilMs > 0) kept.unshift([EXPIRED, droppedUntilMs]);',
    replace: '',
  },
  {
    ...REPLAY,
    name: 'The memory of served requests grows without end',
    find: 'if (lines > compactAtLines) compact();',
    replace: 'if (false) compact();',
  },
  {
    ...REPLAY,
    name: 'A memory that could not be written is trusted after a restart',
    find: 'compactAtLines = 0;\n      remove();',
    replace: 'compactAtLines = 0;',
  },
  {
    ...REPLAY,
    name: 'A served request is forgotten before its last copy can turn up',
    find: 'timestampMs + freshForMs + LONGEST_REQUEST_MS',
    replace: 'timestampMs + freshForMs',
  },
  {
    ...REPLAY,
    name: 'Everyone on the host can read which requests were served since the file was removed',
    find: '`${expiry} ${key}\\n`, { mode: 0o600 }',
    replace: '`${expiry} ${key}\\n`',
  },
  {
    ...REPLAY,
    name: 'Everyone on the host can read which requests were served',
    find: ".join(''), { mode: 0o600 });",
    replace: ".join(''));",
  },
];
