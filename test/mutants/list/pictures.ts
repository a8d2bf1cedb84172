import type { Mutant } from '../mutant.ts';

/** What a picture may ask of the process that decodes it, and what that process may do. */

const IMAGE = { file: 'src/media/pictures/image.ts', tests: ['test/media/pictures/image.test.ts'] };
const JUDGE = {
  file: 'src/media/pictures/judge-picture.ts',
  tests: ['test/media/pictures/judge-picture.test.ts', 'test/media/pictures/image.test.ts'],
};
const HEADERS = { tests: ['test/media/pictures/judge-picture.test.ts'] };
const DECODER = {
  file: 'src/media/pictures/picture-decoder.ts',
  tests: ['test/media/pictures/picture-decoder.test.ts'],
};
const PROCESS = {
  file: 'src/media/pictures/picture-process.ts',
  tests: ['test/media/pictures/picture-decoder.test.ts'],
};
const CHILD = {
  file: 'src/media/pictures/picture-child.ts',
  tests: ['test/media/pictures/picture-decoder.test.ts'],
};
const MESSAGES = {
  file: 'src/media/pictures/picture-messages.ts',
  tests: ['test/media/pictures/picture-messages.test.ts'],
};
const WORDS = {
  file: 'src/media/pictures/picture-error.ts',
  tests: ['test/media/pictures/picture-error.test.ts'],
};
const FIT = { file: 'src/media/fitting/fit-frames.ts', tests: ['test/media/fitting/fit-frames.test.ts'] };
const ANSWERER = { file: 'src/answering/answerer.ts', tests: ['test/answering/answerer.test.ts'] };

export const PICTURES: readonly Mutant[] = [
  {
    ...JUDGE,
    name: 'A picture may have any number of pixels',
    find: 'width * height > pixelsLimit || ',
    replace: '',
  },
  {
    ...JUDGE,
    name: 'A picture may have any edge',
    find: ' || Math.max(width, height) > IMAGE_EDGE_LIMIT_PIXELS',
    replace: '',
  },
  {
    ...JUDGE,
    name: 'A picture may take any memory',
    find: 'if (neededBytes > IMAGE_MEMORY_LIMIT_BYTES) {',
    replace: 'if (false) {',
  },
  {
    ...JUDGE,
    name: 'What is no picture by its first bytes is decoded',
    find: "if (media?.modality === 'image') return media.format;",
    replace: "return media?.modality === 'image' ? media.format : 'jpeg';",
  },
  {
    ...JUDGE,
    name: 'A JPEG may go over its pixels any number of times',
    find: 'if (countJpegScans(bytes, IMAGE_SCANS_LIMIT + 1) > IMAGE_SCANS_LIMIT) {',
    replace: 'if (false) {',
  },
  {
    ...ANSWERER,
    name: 'A mask may have as many pixels as any picture',
    find: "task === 'mask' ? MASK_PIXELS_LIMIT : IMAGE_PIXELS_LIMIT",
    replace: 'IMAGE_PIXELS_LIMIT',
  },
  {
    ...ANSWERER,
    name: 'The bytes of a mask are not counted',
    find: "if (task === 'mask') room.charge(maskBytes(input.sourceSize));",
    replace: '',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/avif.ts',
    name: 'A picture of tiles hides how large an AVIF is',
    find: 'let largest = sizes.reduce(larger, NOTHING);',
    replace: 'let largest = NOTHING;',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/avif.ts',
    name: 'The AV1 stream of an AVIF may have another size than the container says',
    find: ', readAv1FrameSize(start) ?? NOTHING);',
    replace: ', NOTHING);',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/avif.ts',
    name: 'Any number of coded pixels may go into one of an AVIF',
    find: 'Math.max(areaOf(largest), codedPixels / CODED_PER_SHOWN)',
    replace: 'areaOf(largest) + 0 * (codedPixels / CODED_PER_SHOWN)',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/avif.ts',
    name: 'An AVIF of 12 bits takes no more memory than one of 8',
    find: 'hasMoreBits ? BYTES_PER_PIXEL_OF_MORE_BITS : BYTES_PER_PIXEL',
    replace: 'hasMoreBits ? BYTES_PER_PIXEL : BYTES_PER_PIXEL_OF_MORE_BITS - 7',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/av1-sequence.ts',
    name: 'A sequence header behind another unit hides the size of an AV1 picture',
    find: 'count < UNITS_LIMIT && at < stream.length',
    replace: 'count < 1 && count < UNITS_LIMIT && at < stream.length',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/png.ts',
    name: 'Interlacing costs a PNG nothing',
    find: 'const isInterlaced = bytes[28] !== 0;',
    replace: 'const isInterlaced = bytes[28] === 300;',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/jpeg.ts',
    name: 'The coefficients of a progressive JPEG take no memory',
    find: 'isProgressive(marker) || componentsOfScan < components;',
    replace: 'componentsOfScan < components;',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/jpeg.ts',
    name: 'The coefficients of a JPEG with a scan for each colour take no memory',
    find: 'isProgressive(marker) || componentsOfScan < components;',
    replace: 'isProgressive(marker);',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/tiff.ts',
    name: 'A strip of a TIFF takes no memory',
    find: ' + unitBytes * COPIES_OF_UNIT',
    replace: ' + 0 * unitBytes * COPIES_OF_UNIT',
  },
  {
    ...HEADERS,
    file: 'src/media/pictures/headers/webp.ts',
    name: 'The canvas of a WebP hides how large its frame is',
    find: "if (name === 'ANMF' && body.length >= 12) {",
    replace: 'if (false) {',
  },
  {
    ...IMAGE,
    name: 'Every loader of libvips is open',
    find: "sharp.block({ operation: ['VipsForeignLoad'] });",
    replace: '',
  },
  {
    ...IMAGE,
    name: 'A picture that ends early is decoded',
    find: "failOn: 'error'",
    replace: "failOn: 'none'",
  },
  {
    ...IMAGE,
    name: 'The scans of a JPEG are not counted before it is decoded',
    find: 'assertFewScans(bytes);',
    replace: '',
    tests: ['test/media/pictures/judge-picture.test.ts'],
  },
  {
    ...PROCESS,
    name: 'A process that decodes pictures may take any memory',
    find: '`--data=${PICTURE_PROCESS_MEMORY_LIMIT_BYTES}`, ',
    replace: '',
  },
  {
    ...PROCESS,
    name: 'A process that decodes pictures may write files of any size',
    find: ', `--fsize=${FRAMES_LIMIT_BYTES}`',
    replace: '',
  },
  {
    ...PROCESS,
    file: 'src/media/limited-child.ts',
    name: 'A process that decodes pictures may leave a core file',
    find: "'--core=0', ",
    replace: '',
  },
  {
    ...PROCESS,
    file: 'src/media/limited-child.ts',
    name: "A process that decodes pictures has the miner's environment",
    find: "env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', ...environment },",
    replace: 'env: { ...process.env, ...environment },',
  },
  {
    ...PROCESS,
    name: 'A process that decodes pictures may say anything',
    find: '// It was taken over by a picture: nothing that it says counts.\n      kill();',
    replace: '',
    tests: ['test/media/pictures/picture-process.test.ts'],
  },
  {
    ...PROCESS,
    name: 'The log shows what a picture makes its process write, control characters and all',
    find: ".replaceAll(/[^\\x20-\\x7e]+/g, ' ')",
    replace: '',
    tests: ['test/media/pictures/picture-process.test.ts'],
  },
  {
    ...CHILD,
    tests: ['test/media/pictures/picture-child.test.ts'],
    name: 'A process that decodes pictures outlives the miner',
    find: "process.stdin.on('close', end);",
    replace: '',
  },
  {
    ...CHILD,
    tests: ['test/media/pictures/picture-child.test.ts'],
    name: 'A picture that is being decoded keeps its process alive after the miner is gone',
    find: "process.kill(process.pid, 'SIGKILL');",
    replace: 'process.exitCode = 1;',
  },
  {
    ...DECODER,
    name: 'A picture is decoded on after its caller has given up',
    find: "signal.addEventListener('abort', child.kill, { once: true });",
    replace: '',
  },
  {
    ...DECODER,
    name: 'A picture may be decoded for as long as it takes',
    find: '}, timeLimitMs);',
    replace: '}, 3_600_000);',
  },
  {
    ...DECODER,
    name: 'Each picture may take all the memory for pictures',
    find: 'freeBytes -= next.neededBytes;',
    replace: '',
  },
  {
    ...DECODER,
    name: 'The memory of a picture is never given back',
    find: 'freeBytes += neededBytes;',
    replace: '',
  },
  {
    ...DECODER,
    name: 'A picture that has to wait keeps its turn after its caller has given up',
    find: "signal.addEventListener('abort', giveUp, { once: true });",
    replace: '',
  },
  {
    ...DECODER,
    name: 'A process that ended is not replaced',
    find: 'if (child.given > 0) return start();',
    replace: 'if (child.given > 0) return;',
  },
  {
    ...DECODER,
    name: 'Processes outlive the decoder that started them',
    find: 'for (const child of children) child.kill();',
    replace: '',
  },
  {
    ...DECODER,
    name: 'A process may refuse a picture with any code',
    find: "REFUSALS.has(message.code) ? message.code : 'MEDIA_UNDECODABLE'",
    replace: 'message.code',
    tests: ['test/media/pictures/picture-process.test.ts'],
  },
  {
    ...DECODER,
    name: 'A process may give fewer pixels than a picture has',
    find: 'if (pixels.length !== height * width * 3) {',
    replace: 'if (false) {',
    tests: ['test/media/pictures/picture-process.test.ts'],
  },
  {
    ...MESSAGES,
    name: 'A message between the processes may have a head of any length',
    find: 'if (end > LENGTH_BYTES + HEAD_LIMIT_BYTES) throw',
    replace: 'if (false) throw',
  },
  {
    ...MESSAGES,
    name: 'A message between the processes may have any length',
    find: ' || payloadBytes > payloadLimitBytes',
    replace: '',
  },
  {
    ...WORDS,
    name: 'A refusal of a picture has control characters',
    find: ".replaceAll(/[^\\x20-\\x7e]/g, '')",
    replace: '',
  },
  {
    ...WORDS,
    name: 'A refusal of a picture may have any length',
    find: '.slice(0, WORDS_LIMIT_CHARS)',
    replace: '',
  },
  {
    ...FIT,
    name: 'Fitted frames may take any memory',
    find: 'if (frames.count * fittedBytes > FRAMES_LIMIT_BYTES) {',
    replace: 'if (false) {',
  },
];
