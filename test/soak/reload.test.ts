import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startMiner } from '../fixtures/miner.ts';
import { modelChildren } from '../fixtures/model-children.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { call, createValidator } from '../fixtures/validator.ts';
import { softmax } from '../inference/harness.ts';
import { constantAnswer, writeModel } from '../inference/models.ts';

const RELOADS = 50;
/** By then every path has been taken. */
const SETTLED_AT = 5;
const CONCURRENCY = 4;
/** One of them looks at pictures of 24 × 24 and one at 16 × 16: neither takes what was decoded for the other. */
const MODELS = [
  { edge: 24, logits: [3, 0, 1] },
  { edge: 16, logits: [0, 1, 3] },
] as const;
/** A leak of one picture, contract or process for each reload would be more. */
const HEAP_GROWTH_LIMIT_BYTES = 4_000_000;
const RSS_GROWTH_LIMIT_BYTES = 48_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memory(): { heap: number; rss: number } {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

/** What a miner that leaks has more and more of. */
function countResources(folders: readonly string[]): Record<string, number> {
  const files = folders.flatMap((folder) => readdirSync(folder, { encoding: 'utf8', recursive: true }));
  return {
    children: modelChildren().length,
    files: files.length,
    descriptors: readdirSync('/proc/self/fd').length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** Posts pictures, each with an answer of its own, until it is stopped; a failure is an answer that no model gives. */
function load(port: number, pictures: readonly Buffer[]) {
  const alice = createValidator('//Alice');
  const answers = new Map<string, number>();
  const failures: string[] = [];
  let running = true;
  const ask = async (first: number): Promise<void> => {
    for (let turn = first; running; turn += 1) {
      const body = pictures[turn % pictures.length] ?? Buffer.alloc(0);
      const { status, body: text, json } = await alice.post(port, '/detect_image', body);
      const answer = JSON.stringify(json().prediction);
      if (status === 200) answers.set(answer, (answers.get(answer) ?? 0) + 1);
      else failures.push(`${status} ${text}`);
    }
  };
  const askers = Array.from({ length: CONCURRENCY }, (_, first) => ask(first));
  return {
    answers,
    failures,
    async stop() {
      running = false;
      await Promise.all(askers);
    },
  };
}

async function open(stateDir: string, modelPath: string): Promise<RunningMiner> {
  const running = await startMiner({
    stateDir,
    env: { IMAGE_MODEL: modelPath },
    engine: { pollMs: 50 },
  });
  onTestFinished(running.close);
  return running;
}

it('fifty changes of the model under load fail no request and leave nothing behind', async () => {
  const root = temporaryFolderPath();
  const [stateDir, folder] = [join(root, 'state'), writeModel(root, 'model', onnxOf(0))];
  const { port, adminPort, engines } = await open(stateDir, folder);
  const status = () => engines.image?.status();
  const pictures = await Promise.all(
    [1, 2, 3, 4].map((seed) => makeJpeg({ width: 90, height: 60 + seed, seed })),
  );
  const asking = load(port, pictures);
  onTestFinished(asking.stop);
  const folders = [stateDir, folder];

  let settled = { memory: memory(), resources: countResources(folders) };
  let mostChildren = 0;
  for (let reload = 1; reload <= RELOADS; reload += 1) {
    const former = status()?.loaded?.sha256;
    writeFileSync(join(root, 'next'), onnxOf(reload));
    renameSync(join(root, 'next'), join(folder, 'model.onnx'));
    await until(() => {
      mostChildren = Math.max(mostChildren, modelChildren().length);
      return status()?.loaded?.sha256 !== former;
    });
    expect((await call(adminPort, '/readyz')).status).toBe(200);
    const before = status()?.runs ?? 0;
    await until(() => (status()?.runs ?? 0) > before + CONCURRENCY);
    if (reload === SETTLED_AT) settled = { memory: memory(), resources: countResources(folders) };
  }
  await asking.stop();

  expect(asking.failures).toEqual([]);
  expect([...asking.answers.keys()].map((answer) => JSON.parse(answer))).toEqual(
    expect.arrayContaining(MODELS.map(({ logits }) => softmax(logits).map((p) => expect.closeTo(p, 6)))),
  );
  expect(asking.answers.size).toBe(MODELS.length);
  expect(Math.min(...asking.answers.values())).toBeGreaterThan(RELOADS);
  expect(status()).toMatchObject({ state: 'ready', restarts: 0, lastError: undefined });
  // One for clips, one for pictures, and one more while that is changed.
  expect(mostChildren).toBe(3);

  const { heap, rss } = memory();
  expect(heap - settled.memory.heap).toBeLessThan(HEAP_GROWTH_LIMIT_BYTES);
  expect(rss - settled.memory.rss).toBeLessThan(RSS_GROWTH_LIMIT_BYTES);
  // Whatever is under way at this moment comes to its end; what has leaked stays.
  await until(() => {
    const now = countResources(folders);
    return Object.keys(now).every((name) => (now[name] ?? 0) <= (settled.resources[name] ?? 0));
  });
}, 120_000);

function onnxOf(turn: number): Buffer {
  const { logits, edge } = MODELS[turn % MODELS.length === 0 ? 0 : 1];
  return constantAnswer(logits, edge);
}
