import type { Mutant } from '../mutant.ts';

/** What must not happen to the operator: secrets that leak, files that others read, settings that cannot earn. */

const KEYFILE = { file: 'src/wallet/keyfile.ts', tests: ['test/wallet/keyfile.test.ts'] };
const WALLET = { file: 'src/wallet/open-wallet.ts', tests: ['test/wallet/open-wallet.test.ts'] };
const SMALL_FILE = { file: 'src/wallet/read-small-file.ts', tests: ['test/wallet/open-wallet.test.ts'] };
const HOTKEY = {
  file: 'src/miner/open-hotkey.ts',
  tests: ['test/commands/start.test.ts', 'test/commands/check.test.ts'],
};
const LOGGER = { file: 'src/telemetry/logger.ts', tests: ['test/telemetry/logger.test.ts'] };
const FOLDER = { file: 'src/state/private-folder.ts', tests: ['test/state/private-folder.test.ts'] };
const LOCK = { file: 'src/state/hotkey-lock.ts', tests: ['test/state/hotkey-lock.test.ts'] };
const CONFLICTS = { file: 'src/config/contradictions.ts', tests: ['test/config/contradictions.test.ts'] };
const SCHEMA = { file: 'src/config/schema.ts', tests: ['test/config/load.test.ts'] };
const COMMAND_LINE = { file: 'src/config/command-line.ts', tests: ['test/config/flags.test.ts'] };
const CONFIG = { file: 'src/config/miner-config.ts', tests: ['test/config/load.test.ts'] };
const WEIGHTS = {
  file: 'src/inference/files/onnx-file.ts',
  tests: ['test/inference/files/onnx-file.test.ts'],
};
const MODEL_FOLDER = {
  file: 'src/inference/files/model-folder.ts',
  tests: ['test/inference/files/model-folder.test.ts'],
};
const ENDPOINT = { file: 'src/net/display-endpoint.ts', tests: ['test/net/display-endpoint.test.ts'] };
const NATIVE = {
  file: 'src/inference/worker/runner.ts',
  tests: ['test/inference/onnx-engine.test.ts', 'test/answering/answerer.test.ts'],
};
const MODEL_PROCESS = {
  file: 'src/inference/worker/process.ts',
  tests: ['test/inference/onnx-engine-faults.test.ts'],
};
const CRASHES = {
  file: 'src/inference/worker/crash-record.ts',
  tests: ['test/inference/worker/crash-record.test.ts'],
};
const QUEUE = {
  file: 'src/inference/worker/run-queue.ts',
  tests: ['test/inference/worker/run-queue.test.ts'],
};
const CLASSES = {
  file: 'src/inference/child/probabilities.ts',
  tests: ['test/inference/child/probabilities.test.ts'],
};
const MASK = { file: 'src/inference/child/mask.ts', tests: ['test/inference/child/mask.test.ts'] };
const MAIN = { file: 'src/main.ts', tests: ['test/commands/commands.test.ts'] };

export const OPERATOR: readonly Mutant[] = [
  {
    ...KEYFILE,
    name: 'The secrets of a key file may belong to different keys',
    find: 'if (!sameBytes(other.pair.publicKey, first.pair.publicKey)) {',
    replace: 'if (false) {',
  },
  {
    ...KEYFILE,
    name: 'A key file may name the address of another key',
    find: 'if (written !== undefined && written !== address) {',
    replace: 'if (false) {',
  },
  {
    ...KEYFILE,
    name: 'A key file may name the public key of another key',
    find: 'if (text !== undefined && !sameBytes(hexBytes(field, text, [32]), publicKey)) {',
    replace: 'if (false) {',
  },
  {
    ...KEYFILE,
    name: 'A key of another kind is taken for sr25519',
    find: 'if (value === null || value === CRYPTO_TYPE_SR25519) return;',
    replace: 'return;',
  },
  {
    ...SCHEMA,
    name: 'A name may lead out of the folder of the hotkeys',
    find: "z.string().refine((name) => name !== '.' && name !== '..' && !/[/\\0]/.test(name), {",
    replace: 'z.string().refine(() => true, {',
  },
  {
    ...WALLET,
    name: 'The miner does not warn of a hotkey that others can read',
    find: 'if (file.readableByOthers) {',
    replace: 'if (false) {',
  },
  {
    ...SMALL_FILE,
    name: 'A key file may be a pipe or a device',
    find: "if (!stats.isFile()) throw new NotASmallFileError('it is not a regular file');",
    replace: '',
  },
  {
    ...SMALL_FILE,
    name: 'A key file may have any size',
    find: 'if (length > limitBytes) throw',
    replace: 'if (false) throw',
  },
  {
    ...HOTKEY,
    name: 'A development key is used on a public network',
    find: 'if (isDevelopmentAddress(wallet.hotkeyAddress) && config.chain.isPublic) {',
    replace: 'if (false) {',
  },
  {
    ...LOGGER,
    name: 'The log shows secrets',
    find: "redact: { paths: REDACTED.flatMap((path) => [path, `*.${path}`]), censor: '[secret]' },",
    replace: '',
  },
  {
    ...LOGGER,
    name: 'The log shows secrets that lie in another object',
    find: '[path, `*.${path}`]',
    replace: '[path]',
  },
  {
    ...MAIN,
    name: 'A terminal obeys what a file name says',
    find: 'process.stderr.write(printableLines(wordsOf(one)));',
    replace: 'process.stderr.write(wordsOf(one) || printableLines(""));',
  },
  {
    ...FOLDER,
    name: 'The state may lie behind a link',
    find: 'if (!found.isDirectory()) throw unusable(`${path} is not a folder`);',
    replace: '',
  },
  {
    ...FOLDER,
    name: 'The state may lie in a folder of another user',
    find: 'if (found.uid !== process.geteuid?.()) {',
    replace: 'if (false) {',
  },
  {
    ...FOLDER,
    name: 'A folder that others can enter stays open to them',
    find: 'if ((found.mode & OTHERS) !== 0) await chmod(path, 0o700);',
    replace: '',
  },
  {
    ...FOLDER,
    name: 'The folders above the state are made for everyone',
    find: '{ recursive: true, mode: 0o700 }',
    replace: '{ recursive: true }',
  },
  { ...LOCK, name: 'The lock may be a link', find: ' | constants.O_NOFOLLOW', replace: '' },
  { ...LOCK, name: 'Everyone on the host can open the lock', find: '0o600', replace: '0o666' },
  {
    ...LOCK,
    name: 'The lock may be a pipe',
    find: 'if (fstatSync(file).isFile()) return file;',
    replace: 'return file;',
  },
  {
    ...LOCK,
    name: 'A lock that another process holds is taken',
    find: 'if (code === IS_HELD) return false;',
    replace: 'if (code === IS_HELD) return true;',
  },
  {
    ...CONFLICTS,
    name: 'An endpoint of another network is used',
    find: "if (network === networkName || network === 'local') continue;",
    replace: 'continue;',
  },
  {
    ...CONFLICTS,
    name: 'Another subnet of finney is paid for',
    find: "networkName === 'finney' && settings.NETUID !== undefined && settings.NETUID !== netuid",
    replace: 'false',
  },
  {
    ...CONFLICTS,
    name: 'An address that the chain does not accept is announced',
    find: 'if (announced !== undefined && NEVER_SERVED.includes(announced)) {',
    replace: 'if (false) {',
  },
  {
    ...CONFLICTS,
    name: 'An address that nobody can reach is announced',
    find: '} else if (isPublic && meaning !== undefined) {',
    replace: '} else if (false) {',
  },
  {
    ...CONFLICTS,
    name: 'A public miner listens to its own host only',
    find: 'if (isPublic && isLoopback && announced === undefined) {',
    replace: 'if (false) {',
  },
  {
    ...CONFLICTS,
    name: 'Two ports may be one',
    find: '.filter(([, other]) => other === port)',
    replace: '.filter(() => false)',
  },
  {
    ...CONFLICTS,
    name: 'A body may be larger than all room for bodies',
    find: 'if (limit <= budget) return [];',
    replace: 'return [];',
  },
  {
    ...CONFIG,
    name: 'Development mode talks to a chain elsewhere',
    find: 'if (foreign !== undefined) {',
    replace: 'if (false) {',
  },
  {
    ...CONFIG,
    name: 'Development mode listens on every address',
    find: "host: dev ? '127.0.0.1' : settings.AXON_IP",
    replace: 'host: settings.AXON_IP',
  },
  {
    ...CONFIG,
    name: "The operator's port listens on every address",
    find: "admin: { host: '127.0.0.1', port: adminPort }",
    replace: "admin: { host: '0.0.0.0', port: adminPort }",
  },
  {
    ...MODEL_FOLDER,
    name: 'The ONNX file may name weights outside of its folder',
    find: 'if (isAbsolute(name) || isHiddenOrAbove(name)) throw outside(folder, name);',
    replace: '',
  },
  {
    ...MODEL_FOLDER,
    name: 'A link may lead out of the folder of a model',
    find: 'if (!isPartOfModel(root, opened)) throw outside(folder, name);',
    replace: '',
  },
  {
    ...MODEL_FOLDER,
    name: 'A file of a model is judged by its name, and not by what was opened',
    find: 'const opened = await readlink(`/proc/self/fd/${file.fd}`);',
    replace: 'const opened = await realpath(join(root, name));',
  },
  {
    ...MODEL_FOLDER,
    name: 'Hidden files may be parts of a model',
    find: ".some((part) => part.startsWith('.'));",
    replace: ".some((part) => part === '..');",
  },
  {
    ...MODEL_FOLDER,
    name: 'All that a repository of Hugging Face holds is part of a model',
    find: "/^[^/.][^/]*$/.test(relative(join(repository, 'blobs'), path))",
    replace: "!relative(repository, path).startsWith('..')",
  },
  {
    file: 'src/inference/files/locate-model.ts',
    tests: ['test/inference/files/model-folder.test.ts', 'test/inference/refused-models.test.ts'],
    name: 'A model whose ONNX file is a link out of its folder is found',
    find: 'if (!isPartOfModel(realpathSync(folder), realpathSync(path))) throw outside(folder, basename(path));',
    replace: '',
  },
  {
    ...ENDPOINT,
    name: 'The key in an endpoint is shown',
    find: "return HOST_ONLY.test(shown) ? shown : '(not a URL)';",
    replace: 'return HOST_ONLY.test(url) ? shown : url;',
  },
  {
    ...ENDPOINT,
    name: 'What follows a line break in an endpoint is shown as its host',
    find: ' && !/\\s/.test(url)',
    replace: '',
  },
  {
    ...ENDPOINT,
    name: 'An endpoint with a key counts as one without',
    find: 'return !HOST_ONLY.test(url);',
    replace: 'return HOST_ONLY.test(url) && false;',
  },
  {
    ...ENDPOINT,
    name: 'A part of a password counts as an endpoint',
    find: "return '[hidden]';",
    replace: "return urls.join(',');",
  },
  {
    ...ENDPOINT,
    name: 'An endpoint in the place of another value is shown with its key',
    find: '/:[/\\\\]|wss?:/i.test(value) ? displayEndpoints(value) : value',
    replace: 'value',
  },
  {
    ...COMMAND_LINE,
    name: 'An error about an unknown flag shows its value, which may be a key',
    find: "unknown.map((flag) => flag.replace(/^(--[^=]+)=.*/s, '$1'))",
    replace: 'unknown',
  },
  {
    ...COMMAND_LINE,
    name: 'A flag without its value takes the next flag for it',
    find: "if (option?.required !== true || !/^-./.test(argv[index + 1] ?? '')) continue;",
    replace: 'continue;',
  },
  {
    file: 'src/config/load.ts',
    tests: ['test/config/load.test.ts', 'test/e2e/endpoint-key.test.ts'],
    name: 'An error about a setting shows the key in an endpoint',
    find: 'return isEndpoint ? displayEndpoints(value) : displayValue(value);',
    replace: 'return isEndpoint ? value : displayValue(value);',
  },
  {
    file: 'src/miner/open-hotkey.ts',
    tests: ['test/e2e/endpoint-key.test.ts'],
    name: 'A crash writes the hotkey to disk',
    find: 'await forbidCoreFiles(logger);',
    replace: '',
  },
  {
    ...NATIVE,
    name: 'A model of native size may be given any number of pixels',
    find: "if (fit.mode === 'native' && height * width > NATIVE_LIMIT_PIXELS) {",
    replace: 'if (false) {',
  },
  {
    ...WEIGHTS,
    name: 'A model may nest graphs without end',
    find: ' || open.length > DEPTH_LIMIT',
    replace: '',
  },
  {
    ...MODEL_PROCESS,
    name: "A model's process has the miner's environment",
    find: '...Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]])),',
    replace: '...process.env,',
  },
  {
    ...MODEL_PROCESS,
    name: "A model's process that hangs is waited for",
    find: '}, limitMs);',
    replace: '}, 3_600_000);',
  },
  {
    ...CRASHES,
    name: 'An input that kills the model is tried again and again',
    find: 'crashesOf(contentHash) >= CRASHES_UNTIL_BARRED',
    replace: 'crashesOf(contentHash) < 0',
  },
  {
    ...CRASHES,
    name: 'Any number of inputs that killed the model are remembered',
    find: 'if (entries.size > ENTRIES_LIMIT && oldest !== undefined) entries.delete(oldest);',
    replace: '',
  },
  {
    ...QUEUE,
    name: 'Any number of requests wait for the model',
    find: 'if (waiting.size >= limit) {',
    replace: 'if (false) {',
  },
  {
    ...CLASSES,
    name: 'Numbers that are not finite are an answer',
    find: ' || !numbers.every(Number.isFinite)',
    replace: '',
  },
  {
    ...CLASSES,
    name: 'Numbers that are no probabilities are an answer',
    find: "if (kind === 'probabilities') requireProbabilities(numbers);",
    replace: '',
  },
  { ...MASK, name: 'A mask may hold what is not finite', find: '!Number.isFinite(value)', replace: 'false' },
  {
    ...MASK,
    name: 'A mask may hold what is no confidence',
    find: "activation === 'none' && (value < -TOLERANCE || value > 1 + TOLERANCE)",
    replace: 'false',
  },
];
