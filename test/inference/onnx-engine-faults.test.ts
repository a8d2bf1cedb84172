import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { MinerError } from '../../src/errors.ts';
import type { Prediction } from '../../src/inference/engine.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { until } from '../fixtures/until.ts';
import {
  cpuTicks,
  largest,
  lasting,
  type OpenEngine,
  pidOf,
  plain,
  sourceSize,
  useEngines,
} from './harness.ts';
import { failsWhenBright, meanHead, slowWhenRed, writeModel } from './models.ts';

const engines = useEngines();
const { logged } = engines;
const linux = existsSync('/proc/self/stat');
const GREEN = plain([0, 200, 0]);
const RED = plain([255, 0, 0]);
const PATIENT = { loadMs: 60_000, floorMs: 20_000, ceilingMs: 20_000 };
const STRICT = { loadMs: 60_000, floorMs: 1_500, ceilingMs: 1_500 };

async function openSlow(rounds: number, hangLimits = PATIENT, clock = systemClock): Promise<OpenEngine> {
  const folder = writeModel(engines.root, 'model', slowWhenRed(rounds));
  const engine = engines.open('image', folder, { hangLimits, clock });
  await engine.ready();
  return engine;
}

describe('a process that dies', () => {
  it.skipIf(!linux)(
    'a process that dies during a run is replaced, and the request gets its answer',
    async () => {
      const engine = await openSlow(8);
      const pid = pidOf(engine);
      const before = cpuTicks(pid);
      const answer = engine.infer({ frames: RED, contentHash: 'red', sourceSize }, lasting());
      await until(() => cpuTicks(pid) > before + 2);
      process.kill(pid, 'SIGKILL');

      expect(largest(await answer)).toBe(0);
      expect(logged('model process died during a run')).toHaveLength(1);
      expect(engine.status()).toMatchObject({ state: 'ready', restarts: 1, runs: 1 });
      expect(pidOf(engine)).not.toBe(pid);
    },
  );

  it('a process that dies between runs is replaced, and requests wait for the new one', async () => {
    const engine = await openSlow(1);
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => engine.status().state === 'restarting');
    expect(engine.status().lastError).toContain('SIGKILL');
    const answer = await engine.infer({ frames: GREEN, contentHash: 'green', sourceSize }, lasting());
    expect(largest(answer)).toBe(1);
    expect(logged('model process died during a run')).toHaveLength(0);
  });

  it('a death costs only the running request an attempt, not those that wait', async () => {
    const engine = await openSlow(1);
    process.kill(pidOf(engine), 'SIGSTOP');
    const answers = ['a', 'b', 'c'].map((contentHash) =>
      engine.infer({ frames: GREEN, contentHash, sourceSize }, lasting()),
    );
    await turn();
    process.kill(pidOf(engine), 'SIGKILL');
    expect((await Promise.all(answers)).map(largest)).toEqual([1, 1, 1]);
    expect(logged('model process died during a run')).toMatchObject([{ contentHash: 'a' }]);
  });

  it('a model whose process dies again and again before it is ready has failed', async () => {
    const folder = writeModel(engines.root, 'model', slowWhenRed(1));
    const engine = engines.open('image', folder, { hangLimits: { ...PATIENT, loadMs: 1 } });
    await expect(engine.ready()).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(engine.status()).toMatchObject({ state: 'failed', restarts: 5 });
    const refused = engine.infer({ frames: GREEN, contentHash: 'green', sourceSize }, lasting());
    await expect(refused).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });

  it('the last words of a process are in the log, without control characters for a terminal', async () => {
    const name = 'odd \u001b[31m \u009b2J \u202e \u2028 \u007f end';
    const engine = engines.open('image', writeModel(engines.root, 'model', failsWhenBright(name)));
    await engine.ready();
    const bright = plain([255, 255, 255]);
    await expect(
      engine.infer({ frames: bright, contentHash: 'bright', sourceSize }, lasting()),
    ).rejects.toThrow();
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => logged('model process ended').length > 0);
    expect(logged('model process ended')[0]).toMatchObject({ stderr: expect.stringContaining(name) });
    expect(engines.logText()).not.toMatch(/(?!\n)\p{Cc}|[\u2028-\u202e]/u);
  });

  it('a process that dies is replaced by the same model even if the files are gone', async () => {
    const engine = await openSlow(1);
    rmSync(join(engines.root, 'model'), { recursive: true });
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => engine.status().restarts === 1 && engine.status().state === 'ready');
    const answer = await engine.infer({ frames: GREEN, contentHash: 'green', sourceSize }, lasting());
    expect(largest(answer)).toBe(1);
  });
});

describe('a process that hangs', () => {
  it('a process that hangs is killed and replaced, and the request gets its answer', async () => {
    const engine = await openSlow(1, STRICT);
    const pid = pidOf(engine);
    process.kill(pid, 'SIGSTOP');
    const answer = await engine.infer({ frames: GREEN, contentHash: 'green', sourceSize }, lasting());
    expect(largest(answer)).toBe(1);
    expect(isRunning(pid)).toBe(false);
    expect(logged('model process died during a run')).toMatchObject([
      { how: expect.stringContaining('did not answer within 1500 ms') },
    ]);
  });
});

describe('a process that hangs with a picture of any size', () => {
  const limits = { loadMs: 60_000, floorMs: 1_500, ceilingMs: 4_000 };
  const openNative = async (): Promise<OpenEngine> => {
    const onnx = meanHead({ weights: [1, 0, 0, 0, 1, 0, 0, 0, 1], outputs: 3, shape: ['N', 3, 'H', 'W'] });
    const folder = writeModel(engines.root, 'native', onnx, { input: { size: 'native' } });
    const engine = engines.open('image', folder, { hangLimits: limits });
    await engine.ready();
    return engine;
  };
  const limitFor = async (edge: number): Promise<unknown> => {
    const engine = await openNative();
    process.kill(pidOf(engine), 'SIGSTOP');
    const frames = plain([0, 200, 0], { height: edge, width: edge });
    const answer = await engine.infer({ frames, contentHash: 'green', sourceSize: frames }, lasting());
    expect(largest(answer)).toBe(1);
    return logged('model process died during a run')[0]?.how;
  };

  it('a model of native size gets the usual time for a picture smaller than earlier ones', async () => {
    expect(await limitFor(64)).toContain('did not answer within 1500 ms');
  });

  it('a model of native size gets more time for a picture far larger than all before', async () => {
    expect(await limitFor(3000)).toContain('did not answer within 4000 ms');
  });
});

describe('an input that kills the process twice', () => {
  it('an input that kills the process twice is refused for ten minutes, and others are answered', async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonic: () => nowMs };
    const engine = await openSlow(400, STRICT, clock);
    const poison = (): Promise<Prediction> =>
      engine.infer({ frames: RED, contentHash: 'poison', sourceSize }, lasting());
    const [first, copy, ...others] = await Promise.allSettled([
      poison(),
      poison(),
      ...['a', 'b', 'c'].map((contentHash) =>
        engine.infer({ frames: GREEN, contentHash, sourceSize }, lasting()),
      ),
    ]);

    for (const refused of [first, copy]) {
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'INFERENCE_CRASHED' } });
    }
    expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(engine.status()).toMatchObject({ restarts: 2, runs: 3 });

    nowMs = 10 * 60_000 - 1;
    await expect(poison()).rejects.toMatchObject({ code: 'INFERENCE_CRASHED' });
    expect(engine.status().restarts).toBe(2);

    nowMs = 10 * 60_000;
    await expect(poison()).rejects.toMatchObject({ code: 'INFERENCE_CRASHED' });
    expect(engine.status().restarts).toBeGreaterThan(2);
  });
});

describe('requests that wait', () => {
  it('waiting requests are served by deadline', async () => {
    const engine = await openSlow(1);
    process.kill(pidOf(engine), 'SIGSTOP');
    const order: string[] = [];
    const ask = async (contentHash: string, remainingMs: number): Promise<void> => {
      await engine.infer({ frames: GREEN, contentHash, sourceSize }, lasting(remainingMs));
      order.push(contentHash);
    };
    const first = ask('first', 20_000);
    await turn();
    const others = [ask('late', 19_000), ask('soon', 15_000)];
    process.kill(pidOf(engine), 'SIGCONT');
    await Promise.all([first, ...others]);
    expect(order).toEqual(['first', 'soon', 'late']);
  });

  it('requests are dropped when their deadline passes, and the running one gets no answer', async () => {
    const engine = await openSlow(1);
    process.kill(pidOf(engine), 'SIGSTOP');
    const deadline = new AbortController();
    const ask = (contentHash: string, options = lasting()): Promise<Prediction> =>
      engine.infer({ frames: GREEN, contentHash, sourceSize }, options);
    const running = ask('running', lasting(20_000, deadline.signal));
    await turn();
    const waiting = ask('waiting', lasting(20_000, deadline.signal));
    const expired = expect(ask('expired', lasting(0))).rejects.toMatchObject({ code: 'ADMISSION_DEADLINE' });
    const kept = ask('kept');
    expect(engine.status().queued).toBe(4);

    deadline.abort(new MinerError('ADMISSION_DEADLINE', 'too late'));

    await expect(running).rejects.toMatchObject({ code: 'ADMISSION_DEADLINE', message: 'too late' });
    await expect(waiting).rejects.toMatchObject({ code: 'ADMISSION_DEADLINE' });
    process.kill(pidOf(engine), 'SIGCONT');
    await expired;
    expect(largest(await kept)).toBe(1);
    // What ran when its deadline passed was finished all the same; what waited never ran.
    expect(engine.status().runs).toBe(2);
  });
});

describe.skipIf(!linux)('the process of a model', () => {
  const spawned = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of spawned) child.kill('SIGKILL');
    spawned.clear();
    delete process.env.BT_PW_TEST;
  });

  it('the process of a model knows nothing of the wallet', async () => {
    process.env.BT_PW_TEST = 'secret';
    const engine = await openSlow(1);
    const environment = readFileSync(`/proc/${pidOf(engine)}/environ`, 'utf8');
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('BT_');
    expect(environment).not.toContain('WALLET');
  });

  it('the process of a model ends when the miner is killed', async () => {
    const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
    const folder = writeModel(engines.root, 'model', slowWhenRed(1));
    const script = join(engines.root, 'parent.mjs');
    writeFileSync(
      script,
      `import { createOnnxEngine } from ${JSON.stringify(`${dist}inference/onnx-engine.js`)};
       import { createLogger } from ${JSON.stringify(`${dist}telemetry/logger.js`)};
       import { createTemporaryFolder } from ${JSON.stringify(`${dist}state/temporary-file.js`)};
       import { systemClock } from ${JSON.stringify(`${dist}clock.js`)};
       const engine = createOnnxEngine({ task: 'image', modelPath: ${JSON.stringify(folder)}, device: 'cpu',
         logger: createLogger({ level: 'silent' }), clock: systemClock,
         copiesFolder: ${JSON.stringify(join(engines.root, 'copies'))},
         temporary: await createTemporaryFolder({ diskFolder: ${JSON.stringify(engines.root)}, memoryFolder: '' }) });
       await engine.ready();
       console.log(engine.status().pid);`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    spawned.add(parent);
    const pid = await new Promise<number>((resolve) => {
      parent.stdout.on('data', (text) => resolve(Number(text)));
    });
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !isRunning(pid) && parent.signalCode !== null);
  });

  it('the process of a model goes on when a terminal interrupts it together with the miner', async () => {
    const engine = await openSlow(1);
    process.kill(pidOf(engine), 'SIGINT');
    process.kill(pidOf(engine), 'SIGTERM');
    const answer = await engine.infer({ frames: GREEN, contentHash: 'green', sourceSize }, lasting());
    expect(largest(answer)).toBe(1);
    expect(engine.status().restarts).toBe(0);
  });
});
