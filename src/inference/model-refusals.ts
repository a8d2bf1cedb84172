import { MinerError } from '../errors.ts';
import type { TensorSignature } from './contract.ts';

/** A model, or a model.json, that cannot be used; `message` says why and what to do. */
export function unusable(message: string): MinerError {
  return new MinerError('MODEL_INVALID', message);
}

/** Two statements about a model that cannot both be true. */
export function contradiction(one: string, other: string): MinerError {
  return new MinerError('MODEL_INVALID', `${one}, and ${other}`);
}

/** A tensor in words: `input uint8[N, 3, 224, 224]`. */
export function describeTensor({ name, type, shape }: TensorSignature): string {
  return `${name} ${type}[${shape.join(', ')}]`;
}
