import { describe, expect, it } from 'vitest';
import { MinerError } from '../../src/errors.ts';
import type { LoadedModel } from '../../src/inference/loaded-model.ts';
import { describeRefusal, requireSameProvider } from '../../src/inference/onnx-engine.ts';

/** A model that says what it runs on. */
function running(provider: 'cpu' | 'cuda', state: LoadedModel['state'] = 'ready', cudaFailure?: string) {
  const facts = { provider, ...(cudaFailure === undefined ? {} : { cudaFailure }) };
  return { state, facts } as LoadedModel;
}

describe('a reload', () => {
  it('a new model that would run on the CPU is refused if the present one runs on CUDA, with the reason and a remedy', () => {
    const next = running('cpu', 'ready', 'CUDA failure 2: out of memory');
    let refusal: ReturnType<typeof describeRefusal> | undefined;
    try {
      requireSameProvider(running('cuda'), next);
    } catch (error) {
      refusal = describeRefusal(error);
    }
    expect(refusal).toMatchObject({
      code: 'MODEL_DEVICE_UNAVAILABLE',
      detail: expect.stringMatching(/out of memory.*two models in memory.*restart the miner/),
    });
  });

  it.each<[string, LoadedModel | undefined, LoadedModel]>([
    ['a model on CUDA replace one on CUDA', running('cuda'), running('cuda')],
    ['a model on the CPU replace one on the CPU', running('cpu'), running('cpu')],
    ['a model on the CPU replace one that failed', running('cuda', 'failed'), running('cpu')],
    ['a model on the CPU be the first', undefined, running('cpu')],
  ])('a reload lets %s', (_what, current, next) => {
    expect(() => requireSameProvider(current, next)).not.toThrow();
  });

  it('a fault of the new model itself is not explained by a lack of memory', () => {
    const refusal = describeRefusal(new MinerError('MODEL_UNREADABLE', 'model.json is not JSON'));
    expect(refusal.detail).toBe('model.json is not JSON');
  });
});
