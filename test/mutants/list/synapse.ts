import type { Mutant } from '../mutant.ts';

/** The SDK's own protocol: what a dendrite's headers and body may say. */

const HEADERS = { file: 'src/synapse/headers.ts', tests: ['test/synapse/headers.test.ts'] };
const MESSAGES = { file: 'src/synapse/messages.ts', tests: ['test/synapse/messages.test.ts'] };
const PROTOCOL = {
  file: 'src/axon/synapse-protocol.ts',
  tests: ['test/axon/synapse.test.ts', 'test/e2e/synapse.test.ts'],
};
const ENVELOPE = { file: 'src/synapse/envelope.ts', tests: ['test/synapse/envelope.test.ts'] };
const SYNAPSE_MEDIA = { file: 'src/synapse/media.ts', tests: ['test/synapse/media.test.ts'] };
const BASE85 = { file: 'src/synapse/base85.ts', tests: ['test/synapse/base85.test.ts'] };
const JPEGS = {
  file: 'src/media/pictures/jpeg-stream.ts',
  tests: ['test/media/pictures/jpeg-stream.test.ts'],
};

export const SYNAPSE: readonly Mutant[] = [
  {
    ...HEADERS,
    name: 'The headers of a synapse may have any form',
    find: '!FORMS[key].test(value)',
    replace: 'false',
  },
  {
    ...HEADERS,
    name: 'A synapse may name another path',
    find: "if (named !== name) throw malformed('name');",
    replace: '',
  },
  { ...HEADERS, name: 'A nonce that is no time is taken', find: '< OLDEST_VERSION', replace: '< 0' },
  {
    ...HEADERS,
    name: 'A synapse for another receiver is taken',
    find: '(read.bt_header_axon_hotkey ?? receiver) !== receiver',
    replace: 'false',
  },
  {
    ...HEADERS,
    name: 'A synapse without a signature is verified like others',
    find: "if (signature === undefined) throw new MinerError('AXON_SIGNATURE_MISMATCH', 'Missing Signature');",
    replace: "if (signature === undefined) throw malformed('signature');",
  },
  {
    ...HEADERS,
    name: 'A synapse stays fresh for any timeout that it names',
    find: 'Math.min(LONGEST_TIMEOUT_MS, timeoutMs ?? 0)',
    replace: '(timeoutMs ?? 0)',
  },
  {
    ...HEADERS,
    name: 'A stale synapse is taken',
    find: 'if (ageNs >= nanoseconds(windowMs)) {',
    replace: 'if (false) {',
  },
  {
    ...HEADERS,
    name: 'A synapse is fresh at the end of its window',
    find: 'ageNs >= nanoseconds(windowMs)',
    replace: 'ageNs > nanoseconds(windowMs)',
  },
  {
    ...HEADERS,
    name: 'A synapse of any future date is taken',
    find: 'if (-ageNs > nanoseconds(futureToleranceMs)) {',
    replace: 'if (false) {',
  },
  {
    ...MESSAGES,
    name: 'The signature of a synapse does not cover the nonce',
    find: 'return `${nonce}.',
    replace: 'return `.',
  },
  {
    ...MESSAGES,
    name: 'The signature of a synapse does not cover the receiver',
    find: '.${axonHotkey}.',
    replace: '..',
  },
  {
    ...MESSAGES,
    name: 'The signature of a synapse does not cover the body hash',
    find: '.${bodyHash}',
    replace: '.',
  },
  {
    ...PROTOCOL,
    name: 'The age of a synapse is not judged',
    find: 'checkNonce(claim, nanoseconds(arrivedAtMs), futureToleranceMs);',
    replace: '',
  },
  {
    ...PROTOCOL,
    tests: ['test/axon/synapse-protocol.test.ts'],
    name: 'A served synapse is forgotten at once, and what was sent before it is refused',
    find: 'freshForMs: windowMs',
    replace: 'freshForMs: -60_000',
  },
  {
    ...PROTOCOL,
    name: 'Any body hash of a synapse is taken',
    find: 'if (bodyHash !== NO_FIELDS_HASH) {',
    replace: 'if (false) {',
  },
  {
    ...PROTOCOL,
    name: 'The body of a synapse may be as large as a clip',
    find: 'Math.min(options.bodyLimitBytes, BODY_LIMIT_BYTES)',
    replace: 'options.bodyLimitBytes',
  },
  {
    ...ENVELOPE,
    name: 'All of a synapse besides the media may have any size',
    find: 'if (body.length - media.length > ENVELOPE_LIMIT_BYTES) {',
    replace: 'if (false) {',
  },
  {
    ...ENVELOPE,
    name: 'A field of a synapse may have any length',
    find: 'z.string().max(1_024)',
    replace: 'z.string()',
  },
  {
    ...ENVELOPE,
    name: 'The media of a synapse may hold escapes',
    find: 'content.includes(BACKSLASH) ? undefined : ',
    replace: '',
  },
  {
    ...SYNAPSE_MEDIA,
    name: 'A clip of a synapse may swell without end',
    find: 'maxOutputLength: INFLATED_LIMIT_BYTES, ',
    replace: '',
  },
  {
    ...SYNAPSE_MEDIA,
    name: 'Text that is not base64 is decoded',
    find: 'return text.length % 4 === 0 && decoded.length === (text.length / 4) * 3 - padding ? decoded : undefined;',
    replace: 'return padding > 4 ? undefined : decoded;',
  },
  {
    ...SYNAPSE_MEDIA,
    name: 'A synapse without media is decoded',
    find: "if (media.length === 0) throw new MinerError('MEDIA_UNSUPPORTED', 'the synapse has no media');",
    replace: '',
  },
  {
    ...SYNAPSE_MEDIA,
    name: 'A clip of a synapse may have any number of frames',
    find: 'limit: VIDEO_FRAMES_LIMIT',
    replace: 'limit: 1e9',
  },
  {
    ...BASE85,
    name: 'A group of base85 may be more than 32 bits',
    find: 'if (value > 0xffffffff) return undefined;',
    replace: 'value %= 2 ** 32;',
  },
  {
    ...BASE85,
    name: 'Characters that are no digits of base85 are decoded',
    find: 'if (digit === 85) return undefined;',
    replace: '',
  },
  {
    ...JPEGS,
    name: 'What stands between two pictures of a clip is taken for a picture',
    find: 'if (bytes[start] !== 0xff || bytes[start + 1] !== START_OF_IMAGE) throw broken(start);',
    replace: '',
  },
  {
    ...JPEGS,
    name: 'Pictures of a clip are looked for without end',
    find: ' && pictures.length < limit',
    replace: '',
  },
];
