import type { Mutant } from '../mutant.ts';

/** What a clip may ask of its decoder, what the decoder may do, and what becomes of temporary files. */

const VIDEO = {
  file: 'src/media/clips/video.ts',
  tests: ['test/media/clips/decoder-process.test.ts', 'test/media/clips/video.test.ts'],
};
const VIDEO_INPUT = {
  file: 'src/media/clips/video-input.ts',
  tests: ['test/media/clips/decoder-process.test.ts', 'test/media/clips/video.test.ts'],
};
const PROBE = {
  file: 'src/media/clips/video-probe.ts',
  tests: ['test/media/clips/decoder-process.test.ts', 'test/media/clips/video.test.ts'],
};
const DECODER = {
  file: 'src/media/clips/decoder-process.ts',
  tests: ['test/media/clips/decoder-process.test.ts', 'test/media/clips/video.test.ts'],
};
const LIMITS = { ...DECODER, file: 'src/media/limited-child.ts' };
const FORECAST = {
  file: 'src/media/clips/decoding-forecast.ts',
  tests: ['test/media/clips/decoding-forecast.test.ts'],
};
const COMPLAINT = { file: 'src/media/clips/video-complaint.ts', tests: ['test/media/clips/video.test.ts'] };
const SEQUENCE = {
  file: 'src/media/pictures/picture-sequence.ts',
  tests: ['test/media/pictures/picture-sequence.test.ts'],
};
const TEMPORARY = { file: 'src/state/temporary-file.ts', tests: ['test/state/temporary-file.test.ts'] };
const LEFTOVERS = { file: 'src/state/process-folder.ts', tests: ['test/state/temporary-file.test.ts'] };
const MARKS = { file: 'src/state/process-mark.ts', tests: ['test/state/temporary-file.test.ts'] };

export const MEDIA: readonly Mutant[] = [
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
    find: ',${clip.width},-1)',
    replace: ',${clip.width},iw)',
  },
  {
    ...VIDEO,
    name: 'A clip of an odd size loses its last column and row',
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
    find: "?.modality === 'video') {",
    replace: "?.modality !== 'image') {",
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
    find: ', `--cpu=${Math.ceil(cpuLimitS) + 1}`',
    replace: '',
  },
  { ...LIMITS, name: 'A decoder may leave a core file', find: "'--core=0', ", replace: '' },
  {
    ...DECODER,
    name: 'A clip whose frames come too slowly is decoded to the end of its time',
    find: 'forecast?.assertHopeful(usedCpuMs);',
    replace: '',
  },
  {
    ...DECODER,
    name: 'A clip that has used all its CPU time counts as damaged',
    find: 'endedBy !== null && usedCpuMs > 1000 * cpuLimitS',
    replace: 'endedBy === undefined && usedCpuMs > 1000 * cpuLimitS',
  },
  {
    ...DECODER,
    name: 'A decoder that has used its CPU time goes on until the kernel ends it',
    find: 'if (usedCpuMs > 1000 * cpuLimitS) kill();',
    replace: '',
  },
  {
    ...VIDEO,
    name: 'A clip that its header shows to be hopeless is decoded',
    find: 'forecast.assertFeasible();',
    replace: '',
    tests: ['test/media/clips/decoder-process.test.ts'],
  },
  {
    ...VIDEO,
    name: 'A clip may decode to more frames than were asked for',
    find: 'if (decoded === distinct.length) {',
    replace: 'if (false) {',
    tests: ['test/media/clips/decoder-process.test.ts'],
  },
  {
    ...FORECAST,
    name: 'A clip may have any number of pixels in its frames together',
    find: 'if (pixels > VIDEO_PIXELS_LIMIT) {',
    replace: 'if (false) {',
  },
  {
    ...FORECAST,
    name: 'Nothing is foretold of a clip by its pixels',
    find: 'Math.max(pixels / FASTEST_PIXELS_PER_MS, bytes / FASTEST_BYTES_PER_MS)',
    replace: 'bytes / FASTEST_BYTES_PER_MS',
  },
  {
    ...FORECAST,
    name: 'Nothing is foretold of a clip by its bytes',
    find: 'Math.max(pixels / FASTEST_PIXELS_PER_MS, bytes / FASTEST_BYTES_PER_MS)',
    replace: 'pixels / FASTEST_PIXELS_PER_MS',
  },
  {
    ...FORECAST,
    name: 'Nothing is foretold of a clip by the frames so far',
    find: 'if (begun < frames) assertInTime((cpuMs * (frames - begun)) / begun / tolerance);',
    replace: '',
  },
  {
    ...FORECAST,
    name: 'The dear first frame of a clip decides that it is hopeless',
    find: 'if (clipCpuMs < FORECAST_FROM_CPU_MS) return;',
    replace: '',
  },
  {
    ...LIMITS,
    name: "A decoder has the miner's environment",
    find: "env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', ...environment },",
    replace: '',
  },
  {
    ...DECODER,
    name: 'A decoder runs on after its caller has given up',
    find: "signal.addEventListener('abort', kill, { once: true });",
    replace: '',
  },
  {
    file: 'src/media/limited-child.ts',
    tests: ['test/media/limited-child.test.ts'],
    name: 'What a child complains of is kept without end',
    find: 'if (room === 0) return;\n    const piece = chunk.subarray(0, room);',
    replace: 'const piece = chunk;',
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
    find: 'if (source.height !== clip.height || source.width !== clip.width) {',
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
    name: 'Temporary files stay open when the miner closes',
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
