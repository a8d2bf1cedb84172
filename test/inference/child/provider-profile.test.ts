import { describe, expect, it } from 'vitest';
import { readProviderUse } from '../../../src/inference/child/provider-profile.ts';

const node = (provider: string, ts?: number, dur?: number) => ({
  cat: 'Node',
  name: 'Conv:y_kernel_time',
  ts,
  dur,
  args: { provider, op_name: 'Conv' },
});
/** As ONNX Runtime writes it: an event a line. */
const write = (events: readonly unknown[]) =>
  `[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]\n`;
const run = (ts: number) => ({ cat: 'Session', name: 'model_run', ts, args: {} });

describe('a profile', () => {
  it('a profile tells how many operations each provider ran, and how long they took', () => {
    const profile = [
      run(0),
      node('CUDAExecutionProvider', 1, 1500),
      node('CUDAExecutionProvider', 1501, 500),
      node('CPUExecutionProvider', 2001, 250),
      { cat: 'Node', name: 'Conv:y_fence_before', args: { op_name: 'Conv' } },
    ];
    expect(readProviderUse(write(profile))).toEqual({
      CUDAExecutionProvider: { nodes: 2, ms: 2 },
      CPUExecutionProvider: { nodes: 1, ms: 0.25 },
    });
  });

  it('only the last run in a profile counts', () => {
    const profile = [
      node('CPUExecutionProvider', 10, 90_000),
      run(5),
      node('CPUExecutionProvider', 100_010, 1_000),
      run(100_005),
    ];
    expect(readProviderUse(write(profile))).toEqual({ CPUExecutionProvider: { nodes: 1, ms: 1 } });
  });

  it('a line that the name of an operation spoils is skipped', () => {
    const spoilt = write([node('CPUExecutionProvider', 1, 1000)]).replace('Conv:y', 'Conv:"y');
    const coloured = write([node('CPUExecutionProvider', 2, 2000)]).replace('Conv:y', 'Conv:\u001b[31my');
    expect(readProviderUse(spoilt)).toEqual({});
    expect(readProviderUse(coloured)).toEqual({ CPUExecutionProvider: { nodes: 1, ms: 2 } });
  });
});
