import { MinerError } from '../../errors.ts';
import type { TensorSignature } from './contract.ts';

/** Two statements about a model that cannot both be true. */
export function contradiction(one: string, other: string): MinerError {
  return new MinerError('MODEL_CONTRADICTION', `${one}, and ${other}`);
}

/** A model whose input or output cannot be used, or is not fully described; `message` includes the remedy. */
export function unusable(message: string): MinerError {
  return new MinerError('MODEL_INVALID', message);
}

/** A model.json that is wrong for every model. */
export function wrongJson(message: string): MinerError {
  return new MinerError('MODEL_JSON_INVALID', message);
}

/** A tensor in words: `"input" uint8[N, 3, 224, 224]`; a dimension without a name is `?`. */
export function describeTensor({ name, type, shape }: TensorSignature): string {
  return `"${name}" ${type}[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
}
