import { expect, it } from 'vitest';
import { countNodesByProvider } from '../../src/inference/provider-profile.ts';

it('a profile tells how many operations each provider ran', () => {
  const node = (provider: string) => ({
    cat: 'Node',
    name: 'Conv:y_kernel_time',
    args: { provider, op_name: 'Conv' },
  });
  const profile = [
    { cat: 'Session', name: 'model_run', args: {} },
    node('CUDAExecutionProvider'),
    node('CUDAExecutionProvider'),
    node('CPUExecutionProvider'),
    { cat: 'Node', name: 'Conv:y_fence_before', args: { op_name: 'Conv' } },
  ];
  expect(countNodesByProvider(JSON.stringify(profile))).toEqual({
    CUDAExecutionProvider: 2,
    CPUExecutionProvider: 1,
  });
});
