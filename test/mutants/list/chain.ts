import type { Mutant } from '../mutant.ts';

/** What an endpoint of the chain can make the miner hold, believe or sign. */

const RPC = { file: 'src/chain/link/json-rpc.ts', tests: ['test/chain/link/json-rpc.test.ts'] };
const HOSTILE = { tests: ['test/chain/link/hostile-node.test.ts'] };
const SESSION = {
  file: 'src/chain/link/session.ts',
  tests: [
    'test/chain/link/session.test.ts',
    'test/chain/link/connection.test.ts',
    'test/chain/link/saved-state.test.ts',
  ],
};
const SUBTENSOR = {
  file: 'src/chain/link/connection.ts',
  tests: ['test/chain/link/repeated-head.test.ts', 'test/chain/link/connection.test.ts'],
};
const HEAD_AGE = {
  file: 'src/chain/link/head-age.ts',
  tests: ['test/chain/link/head-age.test.ts', 'test/chain/link/node-behind.test.ts'],
};
const KNOWN_CALL = { file: 'src/chain/known-call.ts', tests: ['test/chain/known-call.test.ts'] };
const NEURONS = { file: 'src/chain/reader.ts', tests: ['test/chain/reader.test.ts'] };
const READER = { ...HOSTILE, file: 'src/chain/reader.ts' };
const STATE_FILE = { file: 'src/state/state-file.ts', tests: ['test/state/state-file.test.ts'] };
const SIGNERS_FILE = {
  file: 'src/chain/signer-table.ts',
  tests: ['test/chain/signer-table.test.ts', 'test/chain/link/saved-state.test.ts'],
};
const TABLE = {
  file: 'src/chain/signer-table.ts',
  tests: ['test/chain/signer-table.test.ts', 'test/chain/link/saved-state.test.ts'],
};
const ANNOUNCER = { file: 'src/chain/announcer.ts', tests: ['test/chain/announcer.test.ts'] };
const FOREIGN = { file: 'src/chain/foreign-entries.ts', tests: ['test/chain/foreign-entries.test.ts'] };
const IP = { file: 'src/net/external-ip.ts', tests: ['test/net/external-ip.test.ts'] };
const NETWORK = {
  file: 'src/config/networks.ts',
  tests: ['test/config/load.test.ts', 'test/config/contradictions.test.ts'],
};

export const CHAIN: readonly Mutant[] = [
  {
    ...RPC,
    name: 'A message of the chain may have any size',
    find: 'maxPayload: PAYLOAD_LIMIT_BYTES,',
    replace: 'maxPayload: 0,',
  },
  {
    ...RPC,
    name: 'The words of a node may have any length',
    find: "if (typeof value === 'string') return printable(value, DESCRIPTION_LIMIT_CHARS);",
    replace: "if (typeof value === 'string') return value;",
  },
  {
    ...RPC,
    name: 'A value in an error of a node may have any length',
    find: 'return printable(JSON.stringify(value), DESCRIPTION_LIMIT_CHARS);',
    replace: 'return JSON.stringify(value);',
  },
  {
    ...RPC,
    name: 'An error that nests without end ends the process',
    find: "    return '(too deep to be shown)';",
    replace: "    throw new RangeError('(too deep to be shown)');",
  },
  {
    ...RPC,
    name: 'A node may send any number of frames',
    find: 'const allowed = allowance.take(sizeBytes);',
    replace: 'const allowed = allowance.take(sizeBytes) || true;',
  },
  {
    ...RPC,
    name: 'A malformed notification is passed over',
    find: 'if (error instanceof MinerError) end(error);',
    replace: 'if (error instanceof MinerError) return;',
    tests: ['test/chain/link/json-rpc.test.ts', 'test/chain/link/hostile-node.test.ts'],
  },
  {
    ...RPC,
    name: 'A frame is read that comes after the end of the connection',
    find: 'if (ending.signal.aborted) return;\n    const text',
    replace: 'const text',
    reason: 'nobody is told of it any more; the check saves the CPU time of reading it',
  },
  {
    file: 'src/chain/link/frame-allowance.ts',
    tests: ['test/chain/link/frame-allowance.test.ts', 'test/chain/link/json-rpc.test.ts'],
    name: 'A node may send any number of bytes',
    find: ' && bytes <= BYTES',
    replace: '',
  },
  {
    file: 'src/chain/link/frame-allowance.ts',
    tests: ['test/chain/link/frame-allowance.test.ts'],
    name: 'A node that has talked for days has said too much',
    find: 'windowEndMs = now() + WINDOW_MS;',
    replace: 'windowEndMs = Number.POSITIVE_INFINITY;',
  },
  {
    ...HOSTILE,
    file: 'src/chain/link/node-answers.ts',
    name: 'Any text is the number of a block',
    find: ".regex(BLOCK_NUMBER, { error: 'is not a block number' })\n  .transform(Number)",
    replace: '.transform((text) => Number(BLOCK_NUMBER.test(text) ? text : 0))',
  },
  {
    ...HOSTILE,
    file: 'src/chain/link/node-answers.ts',
    name: 'An array of a node may have any length',
    find: ' && value.length <= maxLength',
    replace: '',
    tests: ['test/chain/link/node-answers.test.ts', 'test/chain/link/hostile-node.test.ts'],
  },
  {
    file: 'src/chain/link/node-answers.ts',
    name: 'The elements of an array are looked at before its length',
    find: '.custom<unknown[]>((value) => Array.isArray(value) && value.length <= maxLength, {',
    replace: '.array(element).refine((value) => value.length <= maxLength, {',
    tests: ['test/chain/link/node-answers.test.ts'],
  },
  {
    ...HOSTILE,
    file: 'src/chain/link/session.ts',
    name: 'The newest block may jump as far as the endpoint likes',
    find: 'if (Math.abs(block - (latest ?? block)) > LONGEST_JUMP_BLOCKS) {',
    replace: 'if (false) {',
  },
  {
    ...HOSTILE,
    file: 'src/chain/link/node-answers.ts',
    name: 'What is wrong in an answer is told in any length',
    find: 'printable(`${message}${where}`, FAULT_LIMIT_CHARS)',
    replace: '`${message}${where}`',
    tests: ['test/chain/link/session.test.ts', 'test/chain/link/hostile-node.test.ts'],
  },
  {
    ...HOSTILE,
    file: 'src/chain/link/session.ts',
    name: 'The metadata of an endpoint that lied are kept',
    find: 'metadataCache.clear();',
    replace: '',
  },
  {
    ...HOSTILE,
    file: 'src/chain/submit-serve-axon.ts',
    name: 'What the metadata call serve_axon is signed, whatever it is',
    find: 'check(message);',
    replace: '',
  },
  {
    ...HOSTILE,
    file: 'src/chain/submit-serve-axon.ts',
    name: 'An endpoint that lied about serve_axon is kept',
    find: 'session.distrust(reason);',
    replace: '',
  },
  {
    ...KNOWN_CALL,
    name: 'Another call than serve_axon is signed',
    find: 'if (u8aEq(given, expected)) return;',
    replace: 'if (given.length === expected.length) return;',
  },
  {
    ...KNOWN_CALL,
    name: 'A shorter message than serve_axon is signed',
    find: 'if (u8aEq(given, expected)) return;',
    replace: 'if (u8aEq(given, expected.subarray(0, given.length))) return;',
  },
  {
    ...KNOWN_CALL,
    name: 'A runtime may ask to sign what no subtensor asks for',
    find: 'if (unknown !== undefined) {',
    replace: 'if (false) {',
  },
  {
    ...KNOWN_CALL,
    name: 'The name of an unknown extension may have any length',
    find: 'printable(unknown, NAME_LIMIT_CHARS)',
    replace: 'String(unknown)',
  },
  {
    ...READER,
    name: 'What an endpoint encodes wrongly does not make the miner leave it',
    find: "throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', `unexpected answer: ${words}`);",
    replace: "throw new MinerError('CHAIN_CALL_FAILED', `unexpected answer: ${words}`);",
  },
  {
    ...NEURONS,
    name: 'The columns of the metagraph may differ in length',
    find: 'if (validatorPermit.length !== hotkeys.length || totalStake.length !== hotkeys.length) {',
    replace: 'if (false) {',
  },
  {
    ...NEURONS,
    file: 'src/chain/link/node-answers.ts',
    name: 'A hotkey of the metagraph may be any text',
    find: ".regex(/^[1-9A-HJ-NP-Za-km-z]{46,50}$/, { error: 'is not an SS58 address' })",
    replace: '',
  },
  {
    ...RPC,
    name: 'A frame that is no JSON is passed over',
    find: 'if (message === undefined) {',
    replace: 'if (message === undefined) return;\n    if (false) {',
  },
  { ...RPC, name: 'A call may stay unanswered', find: '}, callTimeoutMs);', replace: '}, 3_600_000);' },
  {
    ...RPC,
    name: 'A callback that throws ends the process',
    find: 'onCallbackError(error);',
    replace: 'throw error;',
  },
  {
    ...SESSION,
    name: 'A chain that must not be used is used',
    find: "if (why !== undefined) throw new MinerError('CHAIN_WRONG_NETWORK', why);",
    replace: '',
  },
  {
    ...SESSION,
    name: 'Another chain than the one of the network is used',
    find: 'if (expected !== undefined && genesisHash !== expected) {',
    replace: 'if (false) {',
  },
  {
    ...SESSION,
    name: 'Another chain than the one used so far is used',
    find: 'if (pinned === undefined || pinned === genesisHash) return;',
    replace: 'return;',
  },
  {
    ...SESSION,
    name: 'A node that is behind is believed when it is met',
    find: 'if (fault !== undefined) throw fault;',
    replace: '',
  },
  {
    ...SESSION,
    name: 'A node that falls behind is believed',
    find: 'if (fault !== undefined) socket.end(fault);',
    replace: '',
  },
  {
    ...SESSION,
    tests: ['test/chain/link/node-behind.test.ts'],
    name: 'A node with the first block only is believed',
    find: 'if (header.number > 0) return;',
    replace: 'return;',
  },
  {
    ...SESSION,
    name: 'A new runtime is read with the old metadata',
    find: 'if (version === specVersion) return;',
    replace: 'return;',
  },
  {
    ...SESSION,
    name: 'Logs show the key in an endpoint that is used',
    find: 'endpoint: displayEndpoint(url),',
    replace: 'endpoint: url,',
    tests: ['test/e2e/endpoint-key.test.ts'],
  },
  {
    ...SUBTENSOR,
    name: 'A node that repeats its head counts as alive',
    find: 'if (block <= newest) return;',
    replace: '',
  },
  {
    ...SUBTENSOR,
    name: 'A node whose blocks stop is kept',
    find: 'else opened.socket.end(reason);',
    replace: '',
  },
  {
    ...HEAD_AGE,
    name: 'A block of any age is believed',
    find: 'if (ageMs <= limitMs) return undefined;',
    replace: 'if (ageMs <= Number.POSITIVE_INFINITY) return undefined;',
  },
  {
    ...HEAD_AGE,
    name: 'The clocks of callers make good blocks old',
    find: 'Math.max(0, offsetMs ?? 0)',
    replace: '(offsetMs ?? 0)',
  },
  {
    ...STATE_FILE,
    name: 'Everyone on the host can read the state of the chain',
    find: ', { mode: 0o600 });',
    replace: ');',
  },
  {
    ...STATE_FILE,
    name: 'A state file is written in place',
    find: 'const fresh = `${path}.new`;',
    replace: 'const fresh = path;',
  },
  {
    ...SIGNERS_FILE,
    name: 'The signers of another subnet are believed',
    find: 'saved.netuid !== netuid || ',
    replace: '',
  },
  {
    ...SIGNERS_FILE,
    name: 'The signers of another chain are believed',
    find: ' || saved.genesisHash !== genesisHash',
    replace: '',
  },
  {
    ...SIGNERS_FILE,
    name: 'A clock that was set back makes a table younger than new',
    find: 'Math.max(0, clock.now() - saved.readAtMs)',
    replace: 'clock.now() - saved.readAtMs',
  },
  {
    ...TABLE,
    name: 'Signers of any age are believed',
    find: 'clock.monotonic() - readAtMs <= maxAgeMs',
    replace: 'readAtMs <= Number.POSITIVE_INFINITY',
  },
  {
    ...TABLE,
    name: 'Strangers make the miner read the table as often as they like',
    find: 'clock.monotonic() - triedAtMs >= minIntervalMs',
    replace: 'triedAtMs <= clock.monotonic()',
  },
  {
    ...TABLE,
    name: 'A stranger waits for a table for as long as it takes',
    find: 'sleep(timeoutMs, undefined, ',
    replace: 'sleep(3_600_000, undefined, ',
  },
  {
    ...ANNOUNCER,
    name: 'An address that nobody can reach is signed for a public network',
    find: 'isPublicNetwork ? reservedMeaning(address.ip) : undefined',
    replace: 'isPublicNetwork ? undefined : undefined',
  },
  {
    ...FOREIGN,
    name: 'Two hosts overwrite each other for ever',
    find: 'changes < CHANGES_UNTIL_PAUSED',
    replace: 'changes >= 0',
  },
  {
    ...FOREIGN,
    name: 'Every other entry counts as foreign',
    find: 'if (!isForeign(entry) || ',
    replace: 'if (',
  },
  {
    ...IP,
    name: 'A source may say that this host has a private address',
    find: 'if (meaning !== undefined) throw new Error(',
    replace: 'if (false) throw new Error(',
  },
  {
    ...IP,
    name: 'A source may answer without end',
    find: 'if (bytes > ANSWER_LIMIT_BYTES) throw',
    replace: 'if (false) throw',
  },
  {
    ...IP,
    name: 'The first source decides',
    find: 'count > sources.length * MAJORITY_RATIO',
    replace: 'count > 0',
  },
  {
    ...NETWORK,
    name: 'A development key is used with any host',
    find: "return host === 'localhost' || host === '[::1]' || /^127(\\.\\d{1,3}){3}$/.test(host);",
    replace: 'return host.length > 0;',
  },
  {
    ...NETWORK,
    name: 'A name that begins like loopback counts as loopback',
    find: '/^127(\\.\\d{1,3}){3}$/',
    replace: '/^127\\./',
  },
];
