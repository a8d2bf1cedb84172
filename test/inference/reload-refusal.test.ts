import { describe, expect, it } from 'vitest';
import { MinerError } from '../../src/errors.ts';
import type { ModelGeneration } from '../../src/inference/model-generation.ts';
import { refusalOf, requireSameProvider } from '../../src/inference/reload-refusal.ts';

/** A model that says what it runs on. */
function running(provider: 'cpu' | 'cuda', state: ModelGeneration['state'] = 'ready', cudaFailure?: string) {
  const announced = { provider, ...(cudaFailure === undefined ? {} : { cudaFailure }) };
  return { state, announced } as ModelGeneration;
}

describe('a new model', () => {
  it('that would run on the CPU is refused while the one before it runs on CUDA, with the reason and what to do', () => {
    const next = running('cpu', 'ready', 'CUDA failure 2: out of memory');
    let refusal: ReturnType<typeof refusalOf> | undefined;
    try {
      requireSameProvider(running('cuda'), next);
    } catch (error) {
      refusal = refusalOf(error);
    }
    expect(refusal).toMatchObject({
      code: 'MODEL_DEVICE_UNAVAILABLE',
      detail: expect.stringMatching(/out of memory.*two in memory.*restart the miner/),
    });
  });

  it.each<[string, ModelGeneration | undefined, ModelGeneration]>([
    ['on CUDA after one on CUDA', running('cuda'), running('cuda')],
    ['on the CPU after one on the CPU', running('cpu'), running('cpu')],
    ['on the CPU after one that failed', running('cuda', 'failed'), running('cpu')],
    ['on the CPU where there was none', undefined, running('cpu')],
  ])('%s is taken', (_what, current, next) => {
    expect(() => requireSameProvider(current, next)).not.toThrow();
  });

  it('that is at fault itself is not explained by want of memory', () => {
    const refusal = refusalOf(new MinerError('MODEL_UNREADABLE', 'model.json is not JSON'));
    expect(refusal.detail).toBe('model.json is not JSON');
  });
});
