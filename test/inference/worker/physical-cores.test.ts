import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { countPhysicalCores, parsePhysicalCores } from '../../../src/inference/worker/physical-cores.ts';

describe('physical cores', () => {
  it('a core with two threads counts once', () => {
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

  it('the number of cores is unknown if the kernel does not say', () => {
    expect(parsePhysicalCores('processor\t: 0\nBogoMIPS\t: 50.00\n')).toBeUndefined();
  });

  it('the number of cores is limited to those of this process', () => {
    expect(countPhysicalCores()).toBeGreaterThanOrEqual(1);
    expect(countPhysicalCores()).toBeLessThanOrEqual(availableParallelism());
  });
});
