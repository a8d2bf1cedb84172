import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Task } from '../../src/inference/contract/model-json.ts';
import type { Engine, HeldModel, InferOptions, Prediction } from '../../src/inference/engine.ts';
import { createOnnxEngine, type OnnxEngineOptions } from '../../src/inference/onnx-engine.ts';
import type { RgbFrames } from '../../src/media/frames.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../../src/state/temporary-file.ts';
import { type CapturingLogger, createCapturingLogger } from '../fixtures/capturing-logger.ts';

/** Of the pictures that tests send, unless they say another. */
export const sourceSize = { height: 8, width: 8 };

/** An engine whose model does not change, so that each call can hold it by itself. */
export type OpenEngine = Engine & HeldModel;

export interface Harness {
  /** Holds the models of a test. */
  readonly root: string;
  /** Names of the engines' private files. */
  files(): string[];
  /** Names of the folders with copies of models. */
  copies(): string[];
  /** Log lines so far, with their fields. */
  logLines(): Record<string, unknown>[];
  /** Those with this message. */
  logged(message: string): Record<string, unknown>[];
  /** All that was written to the log so far. */
  logText(): string;
  open(task: Task, modelPath: string, options?: Partial<OnnxEngineOptions>): OpenEngine;
}

/** Engines and folders that end with each test. */
export function useEngines(): Harness {
  const home = mkdtempSync(join(tmpdir(), 'inference-test-'));
  const root = mkdtempSync(join(home, 'models-'));
  const diskFolder = join(home, 'files');
  const copiesFolder = join(home, 'copies');
  mkdirSync(diskFolder);
  let temporary: TemporaryFolder;
  const engines = new Set<Engine>();
  let log: CapturingLogger;
  beforeEach(async () => {
    log = createCapturingLogger();
    temporary = await createTemporaryFolder({ memoryFolder: join(home, 'absent'), diskFolder });
  });
  afterEach(async () => {
    await Promise.all([...engines].map((engine) => engine.close()));
    engines.clear();
    await temporary.close();
    for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  });
  afterAll(() => rmSync(home, { recursive: true }));
  return {
    root,
    files: () => readdirSync(diskFolder).flatMap((folder) => readdirSync(join(diskFolder, folder))),
    copies: () => readdirSync(copiesFolder),
    logLines: () => log.lines(),
    logged: (message) => log.lines().filter(({ msg }) => msg === message),
    logText: () => log.text(),
    open(task, modelPath, options = {}) {
      const engine = createOnnxEngine({
        task,
        modelPath,
        device: 'cpu',
        logger: log.logger,
        clock: systemClock,
        temporary,
        copiesFolder,
        ...options,
      });
      engines.add(engine);
      return openEngine(engine);
    },
  };
}

function openEngine(engine: Engine): OpenEngine {
  let contract: HeldModel['contract'] | undefined;
  return {
    ...engine,
    get state() {
      return engine.state;
    },
    get contract() {
      if (contract === undefined) throw new Error('not ready yet');
      return contract;
    },
    async ready(signal) {
      await engine.ready(signal);
      await engine.use(async (model) => {
        contract = model.contract;
      });
    },
    infer: (input, options) => engine.use((model) => model.infer(input, options)),
  };
}

/** The pid of the process that answers; 0 if there is none. */
export function pidOf(engine: Engine): number {
  return engine.status().pid ?? 0;
}

/** The index of the largest of a detector's three numbers. */
export function largest(prediction: Prediction): number {
  if (prediction.kind !== 'probabilities') throw new Error('No probabilities');
  return prediction.values.indexOf(Math.max(...prediction.values));
}

/** A deadline that lasts; `signal` can be another. */
export function lasting(remainingMs = 25_000, signal = new AbortController().signal): InferOptions {
  const end = performance.now() + remainingMs;
  return { deadline: { remainingMs: () => end - performance.now(), signal } };
}

/** Pictures of one colour, 8 × 8 by default. */
export function plain(
  [red, green, blue]: readonly [number, number, number],
  { count = 1, height = 8, width = 8 } = {},
): RgbFrames {
  const data = Buffer.alloc(count * height * width * 3);
  for (let index = 0; index < data.length; index += 3) data.set([red, green, blue], index);
  return { data, count, height, width };
}

/** Pictures whose bytes all depend on their place. */
export function patterned(count: number, height: number, width: number): RgbFrames {
  const data = Buffer.from(Array.from({ length: count * height * width * 3 }, (_, i) => (i * 37 + 11) % 256));
  return { data, count, height, width };
}

export function softmax(logits: readonly number[]): number[] {
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Processor time that a process has used, in clock ticks of 10 ms. */
export function cpuTicks(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
