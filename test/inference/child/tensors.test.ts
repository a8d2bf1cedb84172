import { describe, expect, it } from 'vitest';
import { readFloats, toInputTensor } from '../../../src/inference/child/tensors.ts';

// Two frames of one row and two columns: red, green and blue of each pixel.
const frames = { data: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), count: 2, height: 1, width: 2 };
const asTheyAre = { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;

describe('an input tensor', () => {
  it('an input tensor has its bytes in the order of the layout', () => {
    const tensor = (layout: 'NCHW' | 'NHWC' | 'NTCHW' | 'NTHWC' | 'NCTHW') => {
      const { data, dimensions } = toInputTensor(frames, { layout, dtype: 'uint8', ...asTheyAre });
      return { data: [...data], dimensions };
    };
    const planar = [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12];
    expect(tensor('NCHW')).toEqual({ data: planar, dimensions: [2, 3, 1, 2] });
    expect(tensor('NTCHW')).toEqual({ data: planar, dimensions: [1, 2, 3, 1, 2] });
    expect(tensor('NHWC')).toEqual({ data: [...frames.data], dimensions: [2, 1, 2, 3] });
    expect(tensor('NTHWC')).toEqual({ data: [...frames.data], dimensions: [1, 2, 1, 2, 3] });
    expect(tensor('NCTHW')).toEqual({
      data: [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12],
      dimensions: [1, 3, 2, 1, 2],
    });
  });

  it('an input tensor is scaled channel by channel', () => {
    const one = { data: Buffer.from([255, 51, 0]), count: 1, height: 1, width: 1 };
    const contract = {
      layout: 'NCHW',
      scale: 1 / 255,
      mean: [0.5, 0.1, 0.25],
      std: [0.5, 0.1, 0.125],
    } as const;
    expect([...toInputTensor(one, { ...contract, dtype: 'float32' }).data]).toEqual([
      1,
      expect.closeTo(1, 6),
      -2,
    ]);
    expect([...toInputTensor(one, { ...contract, dtype: 'float16' }).data]).toEqual([0x3c00, 0x3c00, 0xc000]);
  });
});

describe('an output tensor', () => {
  it('an output tensor of any precision is read as numbers', () => {
    expect(Array.from(readFloats('float32', Float32Array.of(0.5)) ?? [])).toEqual([0.5]);
    expect(Array.from(readFloats('float64', Float64Array.of(0.1)) ?? [])).toEqual([0.1]);
    expect(Array.from(readFloats('float16', Uint16Array.of(0x3800)) ?? [])).toEqual([0.5]);
    expect(readFloats('int64', BigInt64Array.of(1n))).toBeUndefined();
  });
});
