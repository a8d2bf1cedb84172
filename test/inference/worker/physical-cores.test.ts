import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { countPhysicalCores, parsePhysicalCores } from '../../../src/inference/worker/physical-cores.ts';

describe('physical cores', () => {
  it('count once where each runs two threads', () => {
    const processors = [
      [0, 0],
      [0, 1],
      [0, 0],
      [0, 1],
      [1, 0],
    ].map(
      ([socket, core], index) => `processor\t: ${index}\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`,
    );
    expect(parsePhysicalCores(processors.join('\n'))).toBe(3);
  });

  it('are unknown where the kernel does not tell', () => {
    expect(parsePhysicalCores('processor\t: 0\nBogoMIPS\t: 50.00\n')).toBeUndefined();
  });

  it('are no more than this process may use', () => {
    expect(countPhysicalCores()).toBeGreaterThanOrEqual(1);
    expect(countPhysicalCores()).toBeLessThanOrEqual(availableParallelism());
  });
});
