import type { Mutant } from '../mutant.ts';

/** What a picture or a clip may ask of its decoder, and what the decoder may do. */

const IMAGE = { file: 'src/media/image.ts', tests: ['test/media/image.test.ts'] };
const FIT = { file: 'src/media/image.ts', tests: ['test/media/fit.test.ts'] };
const VIDEO = { file: 'src/media/video.ts', tests: ['test/media/video.test.ts'] };
const VIDEO_INPUT = { file: 'src/media/video-input.ts', tests: ['test/media/video.test.ts'] };
const PROBE = { file: 'src/media/video-probe.ts', tests: ['test/media/video.test.ts'] };
const DECODER = { file: 'src/media/decoder-process.ts', tests: ['test/media/video.test.ts'] };
const COMPLAINT = { file: 'src/media/video-complaint.ts', tests: ['test/media/video.test.ts'] };
const SEQUENCE = { file: 'src/media/picture-sequence.ts', tests: ['test/media/picture-sequence.test.ts'] };
const TEMPORARY = { file: 'src/media/temporary-file.ts', tests: ['test/media/temporary-file.test.ts'] };
const LEFTOVERS = { file: 'src/media/process-folder.ts', tests: ['test/media/temporary-file.test.ts'] };
const MARKS = { file: 'src/media/process-mark.ts', tests: ['test/media/temporary-file.test.ts'] };

export const MEDIA: readonly Mutant[] = [
  {
    ...IMAGE,
    name: 'A picture may have any number of pixels',
    find: 'width * height > IMAGE_PIXELS_LIMIT || ',
    replace: '',
  },
  {
    ...IMAGE,
    name: 'A picture may have any edge',
    find: ' || Math.max(width, height) > IMAGE_EDGE_LIMIT_PIXELS',
    replace: '',
  },
  {
    ...IMAGE,
    name: 'A picture may be decoded for as long as it takes',
    find: '.timeout({ seconds: IMAGE_TIME_LIMIT_S })',
    replace: '',
  },
  {
    ...IMAGE,
    name: 'Every loader of libvips is open',
    find: "sharp.block({ operation: ['VipsForeignLoad'] });",
    replace: '',
  },
  {
    ...IMAGE,
    name: 'What is no picture by its first bytes is decoded',
    find: "?.modality !== 'image'",
    replace: "?.modality === 'video'",
  },
  {
    ...IMAGE,
    name: 'A picture that ends early is decoded',
    find: "failOn: 'error'",
    replace: "failOn: 'none'",
  },
  {
    ...FIT,
    name: 'Fitted frames may take any memory',
    find: 'if (frames.count * fittedBytes > FRAMES_LIMIT_BYTES) {',
    replace: 'if (false) {',
  },
  {
    ...VIDEO,
    name: 'Sampled frames may take any memory',
    find: 'if (wanted * fittedBytes > FRAMES_LIMIT_BYTES) {',
    replace: 'if (false) {',
  },
  {
    ...VIDEO,
    name: 'A clip may be decoded for as long as it takes',
    find: 'AbortSignal.any([options.signal, timer])',
    replace: 'options.signal',
  },
  {
    ...VIDEO,
    name: 'A clip whose frames change their size is decoded',
    find: ':exact=1`',
    replace: ':exact=0`',
  },
  { ...VIDEO, name: 'ffmpeg paints over what is damaged', find: "'-xerror', ", replace: '' },
  {
    ...VIDEO,
    name: 'A clip with fewer frames than it says is taken',
    find: 'if (decoded < distinct.length) {',
    replace: 'if (decoded === 0) {',
  },
  {
    ...VIDEO,
    name: 'A clip is looked at beyond its first two minutes',
    find: 'Math.min(clip.frameCount, VIDEO_FRAMES_LIMIT)',
    replace: 'clip.frameCount',
  },
  {
    ...VIDEO,
    name: 'What is no clip by its first bytes is put to ffmpeg',
    find: "?.modality === 'video') return;",
    replace: "?.modality !== 'image') return;",
  },
  {
    ...VIDEO_INPUT,
    name: 'ffmpeg may open whatever a clip names',
    find: "'-protocol_whitelist', 'file', ",
    replace: '',
  },
  { ...VIDEO_INPUT, name: 'ffmpeg chooses the demuxer', find: ", '-f', 'mov'", replace: '' },
  {
    ...VIDEO_INPUT,
    name: 'ffmpeg may use any decoder',
    find: "...['-codec_whitelist', DECODERS.join(',')],",
    replace: '',
  },
  {
    ...VIDEO_INPUT,
    name: 'A frame of a clip may have any number of pixels',
    find: "'-max_pixels', String(VIDEO_FRAME_PIXELS_LIMIT), ",
    replace: '',
  },
  {
    ...VIDEO_INPUT,
    name: 'A clip may have any number of streams',
    find: ", '-max_streams', String(STREAMS_LIMIT)",
    replace: '',
  },
  {
    ...PROBE,
    name: 'What ffprobe says may have any length',
    find: 'if (bytes > OUTPUT_LIMIT_BYTES)',
    replace: 'if (bytes < 0)',
  },
  {
    ...PROBE,
    name: 'A clip whose index names more frames than it has is taken',
    find: 'indexed !== undefined && frameCount < indexed',
    replace: 'false',
  },
  {
    ...DECODER,
    name: 'A decoder may take any memory',
    find: '`--data=${DECODER_MEMORY_LIMIT_BYTES}`, ',
    replace: '',
  },
  {
    ...DECODER,
    name: 'A decoder may take any CPU time',
    find: '`--cpu=${Math.ceil(cpuLimitS)}`, ',
    replace: '',
  },
  {
    ...DECODER,
    name: "A decoder has the miner's environment",
    find: "env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },",
    replace: '',
  },
  {
    ...DECODER,
    name: 'A decoder runs on after its caller has given up',
    find: "signal.addEventListener('abort', kill, { once: true });",
    replace: '',
  },
  {
    ...DECODER,
    name: 'A decoder may complain without end',
    find: 'if (complaintBytes < COMPLAINT_LIMIT_BYTES) complaint.push(chunk);',
    replace: 'complaint.push(chunk);',
  },
  {
    ...COMPLAINT,
    name: 'A refusal of a clip names a path of the host',
    find: ".replaceAll(/file:\\S+: ?/g, '')",
    replace: '',
  },
  {
    ...SEQUENCE,
    name: 'The frames of a synapse may differ in size',
    find: 'if (picture.height !== clip.height || picture.width !== clip.width) {',
    replace: 'if (false) {',
  },
  {
    ...SEQUENCE,
    name: 'The frames of a synapse may take any memory',
    find: 'if (wanted * frame.data.length > FRAMES_LIMIT_BYTES) {',
    replace: 'if (false) {',
  },
  {
    ...TEMPORARY,
    name: 'Everyone on the host can read a temporary file',
    find: "await open(path, 'wx', 0o600)",
    replace: "await open(path, 'wx', 0o644)",
  },
  {
    ...TEMPORARY,
    name: 'Temporary files may fill the memory of the host',
    find: 'bavail * bsize - neededBytes >= blocks * bsize * reservedShare',
    replace: 'bavail * bsize >= 0',
  },
  {
    ...TEMPORARY,
    name: 'Two temporary files are promised the same room',
    find: 'place.promisedBytes += expectedBytes;',
    replace: '',
  },
  {
    ...TEMPORARY,
    name: 'Temporary files stay when the miner closes',
    find: 'await Promise.all([...files].map((file) => file.remove()));',
    replace: '',
  },
  {
    ...LEFTOVERS,
    name: 'The leftovers of another user are removed',
    find: ' || stats.uid !== process.getuid?.()',
    replace: '',
  },
  {
    ...LEFTOVERS,
    name: 'A link among the leftovers is followed',
    find: '!stats.isDirectory() || ',
    replace: '',
  },
  {
    ...MARKS,
    name: 'The files of a process of another container are removed',
    find: 'if (namespace === undefined || namespace !== (await pidNamespace())) return false;',
    replace: 'if (namespace === undefined) return false;',
  },
  {
    ...MARKS,
    name: 'The files of a process that lives are removed',
    find: 'return (await startTime(Number(pid))) !== start;',
    replace: 'return true;',
  },
];
