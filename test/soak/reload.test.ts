import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { EngineStatus } from '../../src/inference/engine.ts';
import { makeJpeg } from '../fixtures/media.ts';
import { spawnMiner } from '../fixtures/miner-process.ts';
import { modelChildren } from '../fixtures/model-children.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { call, createValidator } from '../fixtures/validator.ts';
import { lasting, plain, useEngines } from '../inference/harness.ts';
import { redMask, writeModel } from '../inference/models.ts';
import { readHeap } from './heap-contents.ts';

const inProcess = useEngines();

const CHANGES = 50;
/** By then every path has been taken. */
const SETTLED_AT = 5;
const CONCURRENCY = 4;
/** Requests by then, so that all that they need is there, too. */
const SETTLED_REQUESTS = 400;
/** Where a process stands at the moment differs by 10 MB; half a megabyte left behind by each change would be more. */
const RSS_GROWTH_LIMIT_BYTES = 24_000_000;

/** What a change that leaves something behind leaves at least one of. */
const LEAKABLE = [
  'closure',
  'AbortController',
  'AbortSignal',
  'ChildProcess',
  'FileHandle',
  'Map',
  'Pipe',
  'Promise',
  'Set',
  'Socket',
  'Timeout',
];
const LATER_CHANGES = 30;
/** One left behind by each of them would be more. */
const WAVERING = 24;

beforeAll(async () => {
  await cryptoWaitReady();
});

/**
 * Of two segmenters in turn: one looks at pictures of 24 × 24 and marks nothing, one at 16 × 16 and marks all. Neither
 * takes what was decoded for the other.
 */
function onnxOf(turn: number): Buffer {
  const nothing = { op: 'Sub', inputs: ['mask', 'mask'], outputs: ['zeros'] };
  const answer = { inputs: ['zeros'], outputs: ['answer'] };
  return turn % 2 === 0
    ? redMask([1, 3, 24, 24], [nothing, { op: 'Identity', ...answer }])
    : redMask([1, 3, 16, 16], [nothing, { op: 'Cos', ...answer }]);
}

/** Puts a file into its place in one step. */
function putModel(folder: string, turn: number): void {
  writeFileSync(`${folder}.next`, onnxOf(turn));
  renameSync(`${folder}.next`, join(folder, 'model.onnx'));
}

/** Posts pictures without a pause until it is stopped. */
function keepAsking(port: number, pictures: readonly Buffer[]) {
  const alice = createValidator('//Alice');
  const answers = new Map<string, number>();
  let asking = true;
  const ask = async (first: number): Promise<void> => {
    for (let turn = first; asking; turn += 1) {
      const body = pictures[turn % pictures.length] ?? Buffer.alloc(0);
      const { status, body: text } = await alice.post(port, '/segment_image', body);
      const answer = status === 200 ? maskOf(text) : `${status} ${text}`;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  const askers = Array.from({ length: CONCURRENCY }, (_, first) => ask(first));
  return {
    answers,
    async stop() {
      asking = false;
      await Promise.all(askers);
    },
  };
}

/** The float16 numbers that a mask has, in hexadecimal, each once. */
function maskOf(body: Buffer): string {
  return [...new Set(body.toString('hex').match(/.{4}/g))].join();
}

it('fifty reloads under load fail no request, and the miner uses no more memory than before', async () => {
  const root = temporaryFolderPath();
  const [stateDir, folder] = [join(root, 'state'), writeModel(root, 'model', onnxOf(0))];
  const miner = await spawnMiner(['start', '--dev'], {
    STATE_DIR: stateDir,
    MINER_TYPE: 'segmenter',
    SEGMENTER_MODEL: folder,
    LOGLEVEL: 'error',
    // What is collected late and what is kept for later are bounded, so that what is held can be seen.
    NODE_OPTIONS: '--max-old-space-size=160 --max-semi-space-size=2',
    MALLOC_ARENA_MAX: '2',
  });
  onTestFinished(miner.close);
  await miner.ready();
  const pid = miner.child.pid ?? 0;
  const statusOf = async (): Promise<EngineStatus> => {
    const { models } = (await call(miner.adminPort, '/status')).json() as {
      models?: { mask: EngineStatus };
    };
    if (models === undefined) throw new Error('no status');
    return models.mask;
  };
  const takeStock = () => ({
    rssBytes: 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
    children: modelChildren(pid).length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    files: readdirSync(stateDir, { encoding: 'utf8', recursive: true }).length,
  });
  const pictures = await Promise.all(
    [1, 2, 3, 4].map((seed) => makeJpeg({ width: 90, height: 60 + seed, seed })),
  );

  const asking = keepAsking(miner.axonPort, pictures);
  onTestFinished(asking.stop);
  let settled: ReturnType<typeof takeStock> | undefined;
  let mostChildren = 0;
  for (let turn = 1; turn <= CHANGES; turn += 1) {
    const before = await statusOf();
    putModel(folder, turn);
    miner.child.kill('SIGHUP');
    await until(async () => {
      mostChildren = Math.max(mostChildren, modelChildren(pid).length);
      return (await statusOf()).loaded?.sha256 !== before.loaded?.sha256;
    });
    expect((await call(miner.adminPort, '/readyz')).status).toBe(200);
    if (turn === SETTLED_AT) {
      await until(() => [...asking.answers.values()].reduce((sum, n) => sum + n, 0) > SETTLED_REQUESTS);
      settled = takeStock();
    }
  }
  await asking.stop();

  // 0 everywhere, and 1; little-endian.
  expect([...asking.answers.keys()].sort()).toEqual(['0000', '003c']);
  expect(Math.min(...asking.answers.values())).toBeGreaterThan(CHANGES);
  // One that answers, and one that is loaded beside it or ends after it.
  expect(mostChildren).toBe(2);
  expect(await statusOf()).toMatchObject({
    state: 'ready',
    restarts: 0,
    lastReload: { reason: 'SIGHUP', result: 'switched' },
  });
  await until(() => modelChildren(pid).length === 1);
  const left = takeStock();
  expect(left.rssBytes - (settled?.rssBytes ?? 0)).toBeLessThan(RSS_GROWTH_LIMIT_BYTES);
  // What is under way at this moment comes to its end; what has leaked stays.
  await until(() => {
    const { descriptors, files } = takeStock();
    return descriptors <= (settled?.descriptors ?? 0) && files <= (settled?.files ?? 0);
  });
  expect(miner.output()).not.toContain('"level":"error"');
}, 180_000);

it('no object of a former model stays in memory', async () => {
  const folder = writeModel(inProcess.root, 'model', onnxOf(0));
  const engine = inProcess.open('mask', folder, { pollMs: 10 });
  await engine.ready();
  const ask = () =>
    engine.use(async ({ contract, infer }) => {
      const { fit } = contract.input;
      if (fit.mode === 'native') throw new Error('The models have a size');
      const input = { frames: plain([1, 2, 3], fit), contentHash: 'any', sourceSize: fit };
      return infer(input, lasting());
    });
  const changeModel = async (turn: number): Promise<void> => {
    const { loaded } = engine.status();
    putModel(folder, turn);
    const answer = ask();
    await until(() => engine.status().loaded?.sha256 !== loaded?.sha256);
    await Promise.all([answer, ask()]);
  };
  const readQuietHeap = async () => {
    await until(() => inProcess.copies().length === 1 && modelChildren().length === 1);
    await sleep(200);
    return readHeap(LEAKABLE);
  };

  for (let turn = 1; turn <= SETTLED_AT; turn += 1) await changeModel(turn);
  const settled = await readQuietHeap();
  for (let turn = SETTLED_AT + 1; turn <= SETTLED_AT + LATER_CHANGES; turn += 1) await changeModel(turn);
  let left = await readQuietHeap();
  const more = () =>
    LEAKABLE.filter((name) => (left.counts[name] ?? 0) - (settled.counts[name] ?? 0) > WAVERING);
  // What is under way at this moment is gone at a later look; what has leaked stays.
  for (let look = 0; look < 5 && more().length > 0; look += 1) left = await readQuietHeap();
  expect(more()).toEqual([]);
}, 120_000);
