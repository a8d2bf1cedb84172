import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openInspectedModel } from '../../../src/inspect/inspected-model.ts';
import { measureSpeed } from '../../../src/inspect/measure/measure-speed.ts';
import { renderText } from '../../../src/inspect/render/text.ts';
import { createTemporaryFolder, type TemporaryFolder } from '../../../src/state/temporary-file.ts';
import { isRunning } from '../../fixtures/is-running.ts';
import { encodeModel } from '../../fixtures/onnx-writer.mjs';
import { temporaryFolderPath } from '../../fixtures/temporary.ts';
import { meanHead, weightedMeans, writeModel } from '../../inference/models.ts';

let temporary: TemporaryFolder;
beforeEach(async () => {
  temporary = await createTemporaryFolder();
});
afterEach(() => temporary.close());

async function measure(modelPath: string, task: 'image' | 'video' = 'image') {
  const { signal } = new AbortController();
  const options = { modelPath, task, device: 'cpu', temporary, signal } as const;
  const model = await openInspectedModel(options);
  onTestFinished(() => model.close());
  return measureSpeed(model, { ...options, runs: 2 });
}

const weights = Array<number>(9).fill(0.01);

describe('runs of four at once', () => {
  it('a batch of four clips is measured: the tensor has the clip four times', async () => {
    const onnx = weightedMeans({
      layout: 'NTCHW',
      dtype: 'float32',
      frames: 4,
      height: 8,
      width: 8,
      dynamic: 'N',
    });
    const folder = writeModel(temporaryFolderPath(), 'clips', onnx, { input: { frames: 4 } });
    const { batches } = await measure(folder, 'video');
    expect(batches).toMatchObject([
      { batch: 1, latency: { runs: 2 }, notMeasured: null },
      { batch: 4, latency: { runs: 2 }, notMeasured: null },
    ]);
  });

  it('a batch of four is left out if the batch is fixed, and the text says what four runs take', async () => {
    const onnx = meanHead({ weights, outputs: 3, shape: [1, 3, 8, 8] });
    const speed = await measure(writeModel(temporaryFolderPath(), 'fixed', onnx));
    expect(speed.batches[1]).toMatchObject({
      batch: 4,
      latency: null,
      notMeasured: 'the ONNX input has a fixed batch of 1',
    });
    expect(renderText({ speed })).toMatch(
      /batch of 4 +not measured: the ONNX input has a fixed batch of 1; 4 one after the other take [\d.]+ ms\n/,
    );
  });

  it('a batch of four is left out if pictures keep their own size', async () => {
    const onnx = meanHead({ weights, outputs: 3, shape: ['N', 3, 'H', 'W'] });
    const folder = writeModel(temporaryFolderPath(), 'native', onnx, { input: { size: 'native' } });
    const { batches } = await measure(folder);
    expect(batches[1]?.notMeasured).toContain('keep their own size');
  });

  it('a model that fails on a batch of four is not refused, since the miner never sends one', async () => {
    const { batches } = await measure(writeModel(temporaryFolderPath(), 'baked', bakedBatch()));
    expect(batches[0]?.latency?.runs).toBe(2);
    expect(batches[1]).toMatchObject({ latency: null, notMeasured: expect.stringMatching(/^it fails: ./) });
  });
});

describe('the process of a model', () => {
  it('the process of an inspected model ends when the signal is aborted, also during a run', async () => {
    const owner = new AbortController();
    const onnx = meanHead({ weights, outputs: 3 });
    const modelPath = writeModel(temporaryFolderPath(), 'm', onnx);
    const options = { modelPath, task: undefined, device: 'cpu', temporary, signal: owner.signal } as const;
    const model = await openInspectedModel(options);
    const measuring = model.measure({ what: { batch: 1 }, runs: 1e9, limitMs: 60_000 });
    setTimeout(() => owner.abort(new Error('given up')), 50);
    await expect(measuring).rejects.toThrow('given up');
    await model.close();
    expect(model.pid === undefined || isRunning(model.pid)).toBe(false);
  });

  it('a killed process of an inspected model is reported with how it ended', async () => {
    const { signal } = new AbortController();
    const modelPath = writeModel(temporaryFolderPath(), 'm', meanHead({ weights, outputs: 3 }));
    const model = await openInspectedModel({ modelPath, task: undefined, device: 'cpu', temporary, signal });
    onTestFinished(() => model.close());
    const measuring = model.measure({ what: { batch: 1 }, runs: 1e9, limitMs: 60_000 });
    process.kill(model.pid ?? 0, 'SIGKILL');
    await expect(measuring).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: 'the model process was killed by SIGKILL',
    });
  });
});

/** A detector that says it takes any batch, and takes one. */
function bakedBatch(): Buffer {
  return encodeModel({
    name: 'baked-batch',
    inputs: [{ name: 'input', type: 'uint8', shape: ['N', 3, 8, 8] }],
    outputs: [{ name: 'answer', type: 'float32', shape: ['N', 3] }],
    nodes: [
      { op: 'Cast', inputs: ['input'], outputs: ['pixels'], attributes: { to: 1 } },
      { op: 'Reshape', inputs: ['pixels', 'one'], outputs: ['flat'] },
      { op: 'ReduceMean', inputs: ['flat'], outputs: ['answer'], attributes: { axes: [2], keepdims: 0 } },
    ],
    constants: [{ name: 'one', type: 'int64', shape: [3], data: [1, 3, 64] }],
  });
}
