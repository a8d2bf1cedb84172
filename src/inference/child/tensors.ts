import type { RgbFrames } from '../../media/frames.ts';
import type { InputContract } from '../contract/contract.ts';
import type { InputType, Layout } from '../contract/model-json.ts';
import { decodeFloat16, encodeFloat16 } from './float16.ts';

/** The elements of an input tensor; half-precision numbers are held as their bits. */
type TensorData = Uint8Array | Float32Array | Uint16Array;

export interface InputTensor {
  readonly dtype: InputType;
  readonly dimensions: readonly number[];
  readonly data: TensorData;
}

const CHANNELS = 3;

/**
 * Frames as the model's input tensor. A model without a time dimension gets them as a batch, and a model with one gets them
 * as one clip.
 * @param frames 8-bit RGB, interleaved
 */
export function toInputTensor(
  frames: RgbFrames,
  { layout, dtype, scale, mean, std }: Pick<InputContract, 'layout' | 'dtype' | 'scale' | 'mean' | 'std'>,
): InputTensor {
  const { count, height, width, data: pixels } = frames;
  const sizes: Readonly<Record<string, number>> = {
    N: layout.includes('T') ? 1 : count,
    T: count,
    C: CHANNELS,
    H: height,
    W: width,
  };
  const dimensions = [...layout].map((letter) => sizes[letter] ?? 1);
  const strideOf = strides(layout, dimensions);
  const [frameStride, rowStride] = [strideOf(layout.includes('T') ? 'T' : 'N'), strideOf('H')];
  const [columnStride, channelStride] = [strideOf('W'), strideOf('C')];
  const data = allocate(dtype, count * height * width * CHANNELS);
  for (let channel = 0; channel < CHANNELS; channel += 1) {
    const values = lookupTable(dtype, scale, mean[channel] ?? 0, std[channel] ?? 1);
    let source = channel;
    for (let frame = 0; frame < count; frame += 1) {
      for (let row = 0; row < height; row += 1) {
        let target = frame * frameStride + row * rowStride + channel * channelStride;
        for (let column = 0; column < width; column += 1) {
          data[target] = values[pixels[source] ?? 0] ?? 0;
          source += CHANNELS;
          target += columnStride;
        }
      }
    }
  }
  return { dtype, dimensions, data };
}

/**
 * The numbers of an output tensor.
 * @returns undefined for an element type that cannot become an answer
 */
export function readFloats(type: string, data: unknown): ArrayLike<number> | undefined {
  if (type === 'float32' && data instanceof Float32Array) return data;
  if (type === 'float64' && data instanceof Float64Array) return data;
  if (type === 'float16' && data instanceof Uint16Array) return Float32Array.from(data, decodeFloat16);
  return undefined;
}

function allocate(dtype: InputType, length: number): TensorData {
  if (dtype === 'uint8') return new Uint8Array(length);
  return dtype === 'float16' ? new Uint16Array(length) : new Float32Array(length);
}

/** What each of the 256 pixel values becomes. */
function lookupTable(dtype: InputType, scale: number, mean: number, std: number): TensorData {
  const values = allocate(dtype, 256);
  for (let pixel = 0; pixel < values.length; pixel += 1) {
    const value = (pixel * scale - mean) / std;
    values[pixel] = dtype === 'float16' ? encodeFloat16(value) : value;
  }
  return values;
}

function strides(layout: Layout, dimensions: readonly number[]): (letter: string) => number {
  return (letter) =>
    dimensions.slice(layout.indexOf(letter) + 1).reduce((product, size) => product * size, 1);
}
