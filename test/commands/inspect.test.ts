import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { InspectReport } from '../../src/inspect/report.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { meanHead, redMask, weightedMeans, writeModel } from '../inference/models.ts';
import { assertWellFormed } from '../inspect/well-formed.ts';
import { runCommand } from './run-command.ts';

const MODELS = join(import.meta.dirname, '../../models');
const HOSTILE_NAME = `"><img src=x onerror=alert(1)> & 'b'.jpg`;

/** Runs the command in a folder of its own, with temporary files in another. */
async function start(argv: readonly string[]) {
  const home = temporaryFolderPath();
  const [cwd, temporary, ownHome] = [join(home, 'cwd'), join(home, 'tmp'), join(home, 'home')];
  for (const folder of [cwd, temporary, ownHome]) mkdirSync(folder);
  const child = await runCommand(['inspect', ...argv], { TMPDIR: temporary, HOME: ownHome }, cwd);
  const pid = child.child.pid ?? 0;
  return {
    ...child,
    cwd,
    /** What it has made for itself and not removed. */
    leftBehind: () => [
      ...readdirSync(temporary),
      ...readdirSync(ownHome),
      ...readdirSync('/dev/shm').filter(
        (name) => name.startsWith('sn34-miner-') && name.includes(`-${pid}-`),
      ),
    ],
  };
}

async function inspect(argv: readonly string[]) {
  const child = await start(argv);
  const code = await child.ended;
  expect(child.leftBehind()).toEqual([]);
  return { code, output: child.output(), cwd: child.cwd };
}

async function inspectJson(argv: readonly string[]) {
  const { code, output, cwd } = await inspect([...argv, '--json', '--runs', '3']);
  expect(code, output).toBe(0);
  return { report: JSON.parse(output) as InspectReport, cwd };
}

const average = () => meanHead({ weights: [0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01], outputs: 3 });

describe('inspect', () => {
  it('inspect prints what a video model is, where it runs, how fast, and what it answers', async () => {
    const clip = join(temporaryFolderPath(), 'clip.mp4');
    writeFileSync(clip, await makeClip({ width: 64, height: 48, frames: 12, seed: 1 }));
    const model = join(MODELS, 'example-video-detector');
    const { code, output, cwd } = await inspect([model, clip, '--device', 'cpu', '--runs', '3']);
    expect(code, output).toBe(0);
    const lines = output.replaceAll(/ {2,}/g, '  ').split('\n');
    const has = (pattern: RegExp) => expect(lines).toContainEqual(expect.stringMatching(pattern));
    has(/^Model .*example-video-detector\/model\.onnx$/);
    has(/^ {2}sha256 {2}[0-9a-f]{64}$/);
    has(/^ {2}takes {2}\S+ {2}\w+ {2}\[.*3.*\]$/);
    has(/^ {2}gives {2}\S+ {2}float32 {2}\[.*\]$/);
    has(/^ {2}task {2}video {2}model\.json$/);
    has(/^ {2}input\.dtype {2}\w+ {2}ONNX$/);
    has(/^Runs on \(asked for: cpu\)$/);
    has(/^ {2}CPUExecutionProvider {2}(\d+) of \1 operations \(100 %\) {2}([\d.]+ ms) of \2 \(100 %\)$/);
    has(/^ {2}one request {2}p50 [\d.]+ ms {2}p95 [\d.]+ ms {2}3 runs {2}from pixels to answer$/);
    has(/^ {2}batch of 1 {2}p50 .* memory [\d.]+ MB at most, of it [\d.]+ MB without a model$/);
    has(/^ {2}batch of 4 {2}/);
    has(/^ {2}A burst of 20: 10 pictures and 10 clips of 17\.5 MB$/);
    has(/^ {2}A burst of 20: 10 pictures and 10 clips of 66 MB$/);
    has(
      /^ {2}decode {2}[\d.]+ s {2}\(10 × [\d.]+ ms \+ 10 × \([\d.]+ ms \+ 17\.5 MB × [\d.]+ ms\)\) \/ \d+ cores$/,
    );
    has(/^ {2}all {2}[\d.]+ s {2}of 11\.00 s; \d+ of 10 clips answered in time$/);
    has(/^ {2}(fits: |does not fit: )/);
    has(/^.*clip\.mp4$/);
    has(
      /^ {2}answer {2}(real|synthetic|semisynthetic): real 0\.\d{4}, synthetic 0\.\d{4}, semisynthetic 0\.\d{4}$/,
    );
    has(/^ {2}model gave {2}\[1, \d\]: -?[\d.]+(, -?[\d.]+)*$/);
    expect(readdirSync(cwd)).toEqual([]);
  }, 120_000);

  it('inspect --json prints the same as one JSON document, with the answers and the raw outputs of the model', async () => {
    const root = temporaryFolderPath();
    const model = writeModel(root, 'average', average());
    const red = join(root, 'red.png');
    await sharp({
      create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 100, b: 0 } },
    }).toFile(red);
    const { report } = await inspectJson([model, red]);

    expect(Object.keys(report)).toEqual(['format', 'model', 'execution', 'speed', 'fit', 'answers', 'html']);
    expect(report.model).toMatchObject({
      path: join(model, 'model.onnx'),
      producer: 'sn34-miner',
      opsets: [{ domain: 'ai.onnx', version: 17 }],
      inputs: [{ name: 'input', type: 'uint8', shape: ['N', 3, 8, 8] }],
      outputs: [{ name: 'answer', type: 'float32', shape: ['N', 3] }],
      task: 'image',
      taskOrigin: 'deduced',
      taskReason: expect.any(String),
    });
    expect(report.model.contract).toContainEqual({ field: 'input.layout', value: 'NCHW', origin: 'ONNX' });
    expect(report.model.contract).toContainEqual({
      field: 'output.kind',
      value: 'logits',
      origin: 'default',
    });
    expect(report.execution).toMatchObject({ device: 'auto', provider: 'cpu', threads: expect.any(Number) });
    const [provider] = report.execution.providers;
    expect(provider).toMatchObject({
      name: 'CPUExecutionProvider',
      operations: 3,
      operationShare: 1,
      timeShare: 1,
    });
    expect(provider?.timeMs).toBeGreaterThan(0);

    expect(report.speed.answer).toMatchObject({
      runs: 3,
      p50Ms: expect.any(Number),
      p95Ms: expect.any(Number),
    });
    expect(report.speed.batches.map(({ batch }) => batch)).toEqual([1, 4]);
    for (const { latency, peakRssBytes, baselineRssBytes, notMeasured } of report.speed.batches) {
      expect(notMeasured).toBe(null);
      expect(latency?.runs).toBe(3);
      expect(latency?.p95Ms).toBeGreaterThanOrEqual(latency?.p50Ms ?? Number.POSITIVE_INFINITY);
      expect(peakRssBytes).toBeGreaterThan(baselineRssBytes ?? Number.POSITIVE_INFINITY);
    }

    expect(report.fit.costs).toMatchObject({ cores: expect.any(Number), clipCostsAssumed: null });
    for (const cost of [
      'verifyMs',
      'hashMsPerMb',
      'pictureMs',
      'pictureMb',
      'clipProbeMs',
      'clipMsPerMb',
    ] as const) {
      expect(report.fit.costs[cost]).toBeGreaterThan(0);
    }
    expect(report.fit.bursts).toHaveLength(1);
    expect(report.fit.verdicts).toHaveLength(1);
    expect(report.fit.fits).toBe(report.fit.bursts[0]?.answeredInTime === 10);

    const logits = [2, 1, 0];
    const powers = logits.map(Math.exp);
    const total = powers.reduce((sum, power) => sum + power, 0);
    const [answer] = report.answers;
    if (answer?.kind !== 'probabilities') throw new Error('no probabilities');
    expect(answer).toMatchObject({ file: red, width: 8, height: 8, class: 'real' });
    expect(answer.raw).toEqual([
      {
        shape: [1, 3],
        values: logits.map((logit) => expect.closeTo(logit, 4)),
        min: expect.closeTo(0, 4),
        max: expect.closeTo(2, 4),
      },
    ]);
    expect(Object.values(answer.probabilities)).toEqual(
      powers.map((power) => expect.closeTo(power / total, 4)),
    );
    expect(report.html).toBe(null);
  }, 120_000);

  it('inspect writes a page with the masks of a segmenter: picture, heat map and overlay of one size for each file', async () => {
    const root = temporaryFolderPath();
    const model = writeModel(root, 'red', redMask(['N', 3, 16, 16]), {
      input: { size: { height: 16, width: 16 } },
    });
    const halves = join(root, HOSTILE_NAME);
    const pixels = Buffer.alloc(100 * 60 * 3);
    // Red on the left half, dark red in the next quarter, black in the last.
    for (let index = 0; index < 100 * 60; index += 1)
      pixels[3 * index] = [255, 255, 100, 0][Math.floor((index % 100) / 25)] ?? 0;
    writeFileSync(
      halves,
      await sharp(pixels, { raw: { width: 100, height: 60, channels: 3 } })
        .png()
        .toBuffer(),
    );
    const photo = join(root, 'photo.jpg');
    writeFileSync(photo, await makeJpeg({ width: 1300, height: 700, seed: 1 }));
    const { report, cwd } = await inspectJson([model, halves, photo]);

    expect(report.model).toMatchObject({ task: 'mask', taskReason: 'its output has the shape of a mask' });
    expect(report.answers.map(({ file, kind }) => [file, kind])).toEqual([
      [halves, 'mask'],
      [photo, 'mask'],
    ]);
    const [first] = report.answers;
    if (first?.kind !== 'mask') throw new Error('no mask');
    expect(first.markedShare).toBeCloseTo(0.5, 1);
    expect(first.meanConfidence).toBeCloseTo(0.5 + 0.25 * (100 / 255), 1);
    expect(first.raw).toEqual([{ shape: [1, 1, 16, 16], values: null, min: expect.closeTo(0, 1), max: 1 }]);

    expect(report.html).toBe('inspect-red.html');
    expect(readdirSync(cwd)).toEqual(['inspect-red.html']);
    const page = readFileSync(join(cwd, 'inspect-red.html'), 'utf8');
    assertWellFormed(page);
    expect(page).not.toContain('<img src=x');
    expect(page.length).toBeLessThan(600_000);
    const sizes = [];
    for (const [, data = ''] of page.matchAll(/src="data:image\/(?:jpeg|png);base64,([A-Za-z0-9+/=]+)"/g)) {
      const { width, height } = await sharp(Buffer.from(data, 'base64')).metadata();
      sizes.push([width, height]);
    }
    expect(sizes).toEqual([...Array(3).fill([100, 60]), ...Array(3).fill([512, 276])]);
  }, 120_000);

  it('inspect --task video puts clips to an image model, and shows the output of each run', async () => {
    const root = temporaryFolderPath();
    const model = writeModel(root, 'average', average());
    const clip = join(root, 'clip.mp4');
    writeFileSync(clip, await makeClip({ width: 32, height: 32, frames: 9, seed: 1 }));
    const { report } = await inspectJson([model, clip, '--task', 'video']);
    expect(report.model).toMatchObject({ task: 'video', taskOrigin: '--task', taskReason: null });
    expect(report.fit.bursts.map(({ clipMb }) => clipMb)).toEqual([17.5, 66]);
    const [answer] = report.answers;
    if (answer?.kind !== 'probabilities') throw new Error('no probabilities');
    // 16 frames, 8 in a run.
    expect(answer.raw.map(({ shape }) => shape)).toEqual([
      [8, 3],
      [8, 3],
    ]);
  }, 120_000);

  it('inspect reports a file that the miner would refuse, answers the others, and ends with the exit code of the refusal', async () => {
    const root = temporaryFolderPath();
    const model = writeModel(root, 'average', average());
    const [text, photo] = [join(root, 'text'), join(root, 'photo.jpg')];
    writeFileSync(text, 'no picture');
    writeFileSync(photo, await makeJpeg({ width: 60, height: 40, seed: 1 }));
    const { code, output } = await inspect([model, text, photo, '--runs', '1']);
    expect(code).toBe(1);
    expect(output).toContain(`${text}\n  MEDIA_UNSUPPORTED: the body is not`);
    expect(output).toMatch(/photo\.jpg\n {2}answer {6}/);
    expect(output).toContain(`\nMEDIA_UNSUPPORTED: ${text}: `);
  }, 120_000);

  it('inspect ends its model process and leaves nothing behind on Ctrl-C', async () => {
    const child = await start([join(MODELS, 'example-segmenter'), '--runs', '10000']);
    await until(() => child.output().includes('Runs on'));
    const pid = child.child.pid ?? 0;
    const children = childrenOf(pid);
    expect(children.length).toBeGreaterThan(0);
    child.child.kill('SIGINT');
    expect(await child.ended).toBe(130);
    await until(() => !children.some(isRunning));
    expect(child.leftBehind()).toEqual([]);
    expect(child.output()).not.toContain('Speed and memory');
  }, 60_000);
});

describe('inspect of a broken model', () => {
  it.each([
    ['missing', () => join(temporaryFolderPath(), 'none'), 'MODEL_NOT_FOUND: there is no '],
    [
      'truncated',
      () => writeModel(temporaryFolderPath(), 'm', average().subarray(0, 200)),
      'MODEL_UNREADABLE: ',
    ],
    ['not ONNX', () => writeModel(temporaryFolderPath(), 'm', Buffer.from('nothing')), 'MODEL_UNREADABLE: '],
    [
      'contradicted by its model.json',
      () => writeModel(temporaryFolderPath(), 'm', average(), { output: { classes: ['real', 'fake'] } }),
      'output.classes real, fake',
    ],
    [
      'for floats, without a scale',
      () =>
        writeModel(
          temporaryFolderPath(),
          'm',
          weightedMeans({ layout: 'NCHW', dtype: 'float32', height: 8, width: 8 }),
        ),
      'does not say how pixels are scaled',
    ],
  ])('names the fault of a model that is %s', async (_, model, words) => {
    const { code, output } = await inspect([model()]);
    expect(code).toBe(13);
    expect(output).toContain(words);
    expect(output).toMatch(/^MODEL_\w+: .+\n\S.+\n$/s);
  });

  it('shows no control characters of the model', async () => {
    const onnx = meanHead({ weights: Array(9).fill(0.01), outputs: 3 });
    // The name of the output, of the same length.
    const hostile = Buffer.from(onnx.toString('latin1').replaceAll('answer', '\u001b[31mr'), 'latin1');
    const { output } = await inspect([writeModel(temporaryFolderPath(), 'm', hostile), '--runs', '1']);
    expect(output).toContain(' [31mr');
    expect(output).not.toContain('\u001b');
  }, 60_000);
});

describe('inspect with a wrong command line', () => {
  const model = join(MODELS, 'example-image-detector');
  it.each([
    [[], "missing required argument 'MODEL'"],
    [[model, '--devise', 'cpu'], '(Did you mean --device?)'],
    [[model, '--device', 'gpu'], "argument 'gpu' is invalid"],
    [[model, '--task', 'sound'], 'Allowed choices are image, video, mask'],
    [[model, '--runs', '0'], 'a whole number from 1 to 10000'],
    [[model, '--runs', 'many'], 'a whole number from 1 to 10000'],
    [[model, '--html', 'page.html'], '--html needs pictures'],
  ])('inspect with %j says what is wrong, and shows its usage', async (argv, words) => {
    const { code, output } = await inspect(argv);
    expect(code).toBe(10);
    expect(output).toContain(words);
    expect(output).toContain('inspect MODEL [FILE...] [flags]');
  });

  it('inspect refuses a page for a model without masks, and missing files, before it measures', async () => {
    const photo = join(temporaryFolderPath(), 'photo.jpg');
    writeFileSync(photo, await makeJpeg({ width: 60, height: 40, seed: 1 }));
    const page = await inspect([model, photo, '--html', 'page.html']);
    expect([page.code, page.output]).toEqual([10, expect.stringContaining('--html is for masks')]);
    const missing = await inspect([model, `${photo}.none`]);
    expect([missing.code, missing.output]).toEqual([
      10,
      expect.stringContaining('photo.jpg.none cannot be read'),
    ]);
  }, 60_000);

  it('inspect --help prints its usage', async () => {
    const { code, output } = await inspect(['--help']);
    expect(code).toBe(0);
    expect(output).toMatch(/^Usage: .*inspect MODEL/);
  });
});

/** Numbers of the processes that a process has started. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false;
      }
    });
}
