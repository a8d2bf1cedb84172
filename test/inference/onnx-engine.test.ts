import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OnnxEngineOptions } from '../../src/inference/onnx-engine.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { encodeModel } from '../fixtures/onnx-writer.mjs';
import { until } from '../fixtures/until.ts';
import { lasting, pidOf, plain, softmax, sourceSize, useEngines } from './harness.ts';
import { meanHead, redMask, slowWhenRed, weightedMeans, writeModel } from './models.ts';

const engines = useEngines();
const gpu = existsSync('/dev/nvidiactl');
const openPlain = (options: Partial<OnnxEngineOptions> = {}) =>
  engines.open('image', writeModel(engines.root, 'model', slowWhenRed(1)), options);
const request = { contentHash: 'any', sourceSize };

describe("a model's numbers", () => {
  const colour = [51, 102, 102] as const;
  const answer = async (onnx: Buffer, output: object): Promise<unknown> => {
    const engine = engines.open('image', writeModel(engines.root, 'model', onnx, { output }));
    await engine.ready();
    return (await engine.infer({ ...request, frames: plain(colour) }, lasting())) as unknown;
  };
  const close = (...values: number[]): object => ({
    kind: 'probabilities',
    values: values.map((value) => expect.closeTo(value, 6)),
  });
  const identity = [1 / 255, 0, 0, 0, 1 / 255, 0, 0, 0, 1 / 255];

  it('logits become their softmax', async () => {
    const onnx = meanHead({ weights: identity, outputs: 3 });
    expect(await answer(onnx, { kind: 'logits' })).toEqual(close(...softmax([0.2, 0.4, 0.4])));
  });

  it('classes are put in the order of the wire, whatever their order in the model', async () => {
    const onnx = meanHead({ weights: identity, outputs: 3 });
    expect(await answer(onnx, { classes: ['semisynthetic', 'real', 'synthetic'] })).toEqual(
      close(...[1, 2, 0].map((index) => softmax([0.2, 0.4, 0.4])[index] ?? 0)),
    );
  });

  it('probabilities are taken as they are', async () => {
    // The shares of red, green and blue.
    const nodes = [
      { op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: 1 } },
      { op: 'ReduceMean', inputs: ['pixels'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
      { op: 'ReduceMean', inputs: ['means'], outputs: ['mean'], attributes: { axes: [1], keepdims: 1 } },
      { op: 'Div', inputs: ['means', 'mean'], outputs: ['shares'] },
      { op: 'Mul', inputs: ['shares', 'third'], outputs: ['answer'] },
    ];
    const onnx = encodeModel({
      name: 'shares',
      inputs: [{ name: 'input', type: 'uint8', shape: [1, 3, 8, 8] }],
      outputs: [{ name: 'answer', type: 'float32', shape: [1, 3] }],
      nodes,
      constants: [{ name: 'third', type: 'float32', shape: [1], data: [1 / 3] }],
    });
    expect(await answer(onnx, { kind: 'probabilities' })).toEqual(close(0.2, 0.4, 0.4));
  });

  it('two numbers become [1 − p, p, 0]', async () => {
    const onnx = meanHead({ weights: [1 / 255, 0, 0, 1 / 255, 0, 0], outputs: 2 });
    expect(await answer(onnx, {})).toEqual(close(...softmax([0.2, 0.4]), 0));
  });

  it('one logit becomes [1 − p, p, 0]', async () => {
    const onnx = meanHead({ weights: [1 / 255, 0, 1 / 255], outputs: 1 });
    const p = 1 / (1 + Math.exp(-0.6));
    expect(await answer(onnx, { kind: 'sigmoid' })).toEqual(close(1 - p, p, 0));
  });
});

describe('a model of the published format, without model.json', () => {
  it('a model with a dynamic batch and size answers pictures without model.json', async () => {
    const onnx = meanHead({ weights: [0.01, 0, 0, 0.01, 0, 0], outputs: 2, shape: ['N', 3, 'H', 'W'] });
    const engine = engines.open('image', writeModel(engines.root, 'model', onnx));
    await engine.ready();
    expect(engine.contract).toMatchObject({
      task: 'image',
      input: { layout: 'NCHW', dtype: 'uint8', frames: 1, fit: { mode: 'cover', height: 224, width: 224 } },
      output: { kind: 'logits', classes: ['real', 'fake'] },
    });
    const frames = plain([100, 200, 0], { height: 224, width: 224 });
    const prediction = await engine.infer({ ...request, frames }, lasting());
    expect(prediction.kind === 'probabilities' && prediction.values[1]).toBeCloseTo(
      softmax([1, 2])[1] ?? 0,
      6,
    );
  });

  it('a model with a dynamic time answers clips of 16 frames without model.json', async () => {
    const onnx = weightedMeans({ layout: 'NTCHW', dtype: 'uint8', height: 1, width: 1, dynamic: 'NT' });
    const engine = engines.open('video', writeModel(engines.root, 'model', onnx));
    await engine.ready();
    expect(engine.contract.input).toMatchObject({ layout: 'NTCHW', frames: 16 });
    const frames = plain([3, 2, 1], { count: 16, height: 1, width: 1 });
    const prediction = await engine.infer({ ...request, frames }, lasting());
    const expected = softmax([3, 2, 1]);
    expect(prediction.kind === 'probabilities' && prediction.values).toEqual(
      expected.map((value) => expect.closeTo(value, 6)),
    );
  });

  for (const batch of ['N', 1] as const) {
    it(`a model of pictures answers a clip with the mean of its frames (batch ${batch})`, async () => {
      const onnx = meanHead({ weights: [0.01, 0, 0, 0.01, 0, 0], outputs: 2, shape: [batch, 3, 8, 8] });
      const engine = engines.open(
        'video',
        writeModel(engines.root, 'model', onnx, { input: { frames: 12 } }),
      );
      await engine.ready();
      const colours = Array.from({ length: 12 }, (_, index) => plain([index * 20, 100, 0]).data);
      const frames = { data: Buffer.concat(colours), count: 12, height: 8, width: 8 };
      const prediction = await engine.infer({ ...request, frames }, lasting());
      const each = colours.map((_, index) => softmax([index * 0.2, 1])[1] ?? 0);
      const mean = each.reduce((total, p) => total + p, 0) / 12;
      expect(prediction.kind === 'probabilities' && prediction.values[1]).toBeCloseTo(mean, 6);
    });
  }

  it('the model path may be a .onnx file', async () => {
    const folder = writeModel(engines.root, 'model', slowWhenRed(1));
    const engine = engines.open('image', join(folder, 'model.onnx'));
    await engine.ready();
    expect(engine.status()).toMatchObject({
      state: 'ready',
      device: 'cpu',
      provider: 'cpu',
      restarts: 0,
      runs: 0,
      lastError: undefined,
    });
    expect(engine.status().nodesByProvider.CPUExecutionProvider).toBeGreaterThan(0);
  });
});

describe('a mask', () => {
  const half = (height: number, width: number) => {
    const data = Buffer.alloc(height * width * 3);
    for (let place = 0; place < height * width; place += 1)
      data[place * 3] = place % width < width / 2 ? 255 : 0;
    return { data, count: 1, height, width };
  };

  it('a mask has exactly the size of the sent picture, in zeros and ones', async () => {
    const engine = engines.open('mask', writeModel(engines.root, 'model', redMask(['N', 3, 8, 8])));
    await engine.ready();
    const input = { contentHash: 'any', frames: half(8, 8), sourceSize: { height: 5, width: 6 } };
    const prediction = await engine.infer(input, lasting());
    const row = '003c003c003c000000000000';
    expect(prediction).toMatchObject({ kind: 'mask', height: 5, width: 6 });
    expect(prediction.kind === 'mask' && prediction.float16le.toString('hex')).toBe(row.repeat(5));
  });

  const openNative = async () => {
    const json = { input: { size: 'native' } } as const;
    const engine = engines.open('mask', writeModel(engines.root, 'model', redMask(['N', 3, 'H', 'W']), json));
    await engine.ready();
    return engine;
  };

  it('a picture with too many pixels for a model of native size is refused', async () => {
    const engine = await openNative();
    const frames = plain([1, 2, 3], { height: 4_097, width: 4_096 });
    // An answer would be too long to be shown.
    const outcome = await engine
      .infer({ contentHash: 'any', frames, sourceSize: frames }, lasting())
      .then(({ kind }) => kind, String);
    expect(outcome).toBe('MinerError: 4097 × 4096 is more than the model is given at once');
  });

  it('a mask that is too large for a message comes through a file, which is removed', async () => {
    const engine = await openNative();
    const filesBefore = engines.files();
    const frames = half(600, 700);
    const prediction = await engine.infer({ contentHash: 'any', frames, sourceSize: frames }, lasting());
    const bytes = prediction.kind === 'mask' ? prediction.float16le : Buffer.alloc(0);
    expect(bytes).toHaveLength(600 * 700 * 2);
    expect(bytes.readUInt16LE((599 * 700 + 349) * 2)).toBe(0x3c00);
    expect(bytes.readUInt16LE((599 * 700 + 350) * 2)).toBe(0);
    await until(() => engines.files().length === filesBefore.length);
  });
});

describe('an input that the model cannot answer', () => {
  const cast = { op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: 1 } };
  const average = {
    op: 'ReduceMean',
    inputs: ['pixels'],
    outputs: ['means'],
    attributes: { axes: [2, 3], keepdims: 0 },
  };
  const open = async (nodes: Parameters<typeof encodeModel>[0]['nodes']) => {
    const onnx = encodeModel({
      name: 'picky',
      inputs: [{ name: 'input', type: 'uint8', shape: [1, 3, 8, 8] }],
      outputs: [{ name: 'answer', type: 'float32', shape: [1, 3] }],
      nodes: [cast, average, ...nodes],
      constants: [
        { name: 'sixty_fourth', type: 'float32', shape: [1], data: [1 / 64] },
        { name: 'three', type: 'float32', shape: [3], data: [1, 2, 3] },
      ],
    });
    const engine = engines.open('image', writeModel(engines.root, 'model', onnx));
    await engine.ready();
    return (red: number) => engine.infer({ ...request, frames: plain([red, 100, 100]) }, lasting());
  };

  it('an input with an answer that is not finite is refused, and the next is answered', async () => {
    const ask = await open([{ op: 'Log', inputs: ['means'], outputs: ['answer'] }]);
    await expect(ask(0)).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: expect.stringContaining('-Infinity'),
    });
    await expect(ask(1)).resolves.toMatchObject({ kind: 'probabilities' });
  });

  it('an input that ONNX Runtime fails on is refused in its words, and the next is answered', async () => {
    const ask = await open([
      { op: 'Mul', inputs: ['means', 'sixty_fourth'], outputs: ['places_float'] },
      { op: 'Cast', inputs: ['places_float'], outputs: ['places'], attributes: { to: 7 } },
      { op: 'Gather', inputs: ['three', 'places'], outputs: ['answer'] },
    ]);
    await expect(ask(255)).rejects.toMatchObject({
      code: 'INFERENCE_FAILED',
      message: expect.stringContaining('Gather'),
    });
    await expect(ask(100)).resolves.toMatchObject({ kind: 'probabilities' });
  });
});

describe('the device', () => {
  it.skipIf(gpu)('if CUDA is missing, DEVICE=cuda is refused with how to get it', async () => {
    const engine = openPlain({ device: 'cuda' });
    await expect(engine.ready()).rejects.toMatchObject({
      code: 'MODEL_DEVICE_UNAVAILABLE',
      message: expect.stringContaining('./setup.sh --cuda'),
    });
  });

  it.skipIf(gpu)('DEVICE=auto falls back to the CPU and warns once', async () => {
    const engine = openPlain({ device: 'auto' });
    await engine.ready();
    expect(engine.status()).toMatchObject({ device: 'auto', provider: 'cpu' });
    process.kill(pidOf(engine), 'SIGKILL');
    await until(() => engine.status().restarts === 1 && engine.status().state === 'ready');
    expect(engines.logLines().filter(({ level }) => level === 'warn')).toMatchObject([
      { msg: expect.stringContaining('CUDA cannot be used'), reason: expect.stringContaining('Cuda') },
    ]);
  });

  it.skipIf(!gpu)('DEVICE=cuda runs the model on the GPU', async () => {
    const engine = openPlain({ device: 'cuda' });
    await engine.ready();
    expect(engine.status().provider).toBe('cuda');
  });

  it.skipIf(gpu)('CUDA is not blamed for a broken file', async () => {
    const folder = writeModel(engines.root, 'model', Buffer.from('not a model'));
    const engine = engines.open('image', folder, { device: 'cuda' });
    await expect(engine.ready()).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' });
  });
});

describe('an engine', () => {
  it('an engine refuses requests while its model warms', async () => {
    const engine = openPlain();
    expect(engine.status().state).toBe('warming');
    const frames = plain([0, 0, 0]);
    await expect(engine.infer({ ...request, frames }, lasting())).rejects.toMatchObject({
      code: 'MODEL_WARMING',
    });
  });

  it('ready() stops waiting when its signal is aborted', async () => {
    const engine = openPlain();
    const impatience = new AbortController();
    const waiting = engine.ready(impatience.signal);
    impatience.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('an engine refuses frames that do not fit the contract', async () => {
    const engine = openPlain();
    await engine.ready();
    for (const frames of [plain([0, 0, 0], { count: 2 }), plain([0, 0, 0], { height: 9 })]) {
      await expect(engine.infer({ ...request, frames }, lasting())).rejects.toMatchObject({
        code: 'INTERNAL',
      });
    }
  });

  it('a closed engine leaves no process and no file', async () => {
    const engine = openPlain();
    await engine.ready();
    const pid = pidOf(engine);
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGSTOP');
    const waiting = engine.infer({ ...request, frames: plain([0, 0, 0]) }, lasting());
    await Promise.all([engine.close(), expect(waiting).rejects.toMatchObject({ code: 'AXON_CLOSING' })]);
    expect(isRunning(pid)).toBe(false);
    expect(engines.files()).toEqual([]);
    expect(engine.status().state).toBe('closed');
    const frames = plain([0, 0, 0]);
    await expect(engine.infer({ ...request, frames }, lasting())).rejects.toMatchObject({
      code: 'AXON_CLOSING',
    });
    await expect(engine.ready()).rejects.toMatchObject({ code: 'AXON_CLOSING' });
  });

  it('an engine can be closed while its model loads', async () => {
    const engine = openPlain();
    await engine.close();
    expect(engine.status()).toMatchObject({ state: 'closed', pid: undefined });
    expect(engines.files()).toEqual([]);
  });
});
