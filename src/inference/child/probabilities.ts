import { MinerError } from '../../errors.ts';
import type { ClassesContract, ClassProbabilities } from '../contract/contract.ts';
import type { ClassName } from '../contract/model-json.ts';

const SLOT: Readonly<Record<ClassName, 0 | 1 | 2>> = { real: 0, synthetic: 1, fake: 1, semisynthetic: 2 };

/** How far rounding in the model may change a probability; half precision keeps three digits. */
const TOLERANCE = 0.01;

/**
 * What a model's numbers say about one picture or clip. A model of two classes gives [1 − p, p, 0].
 * @param numbers one for each class of the contract
 * @throws MinerError INFERENCE_FAILED if one is not finite, or is no probability although the contract says so
 */
export function toProbabilities(
  numbers: readonly number[],
  { kind, classes, temperature }: Pick<ClassesContract, 'kind' | 'classes' | 'temperature'>,
): ClassProbabilities {
  if (numbers.length !== classes.length || !numbers.every(Number.isFinite)) {
    throw new MinerError(
      'INFERENCE_FAILED',
      `the model gave [${numbers.join(', ')}], which is no prediction`,
    );
  }
  if (kind === 'probabilities') requireProbabilities(numbers);
  const logits = numbers.map((number) => number / temperature);
  const perClass =
    kind === 'logits' ? softmax(logits) : kind === 'sigmoid' ? logits.map(sigmoid) : numbers.map(clamp);
  const slots: [number, number, number] = [0, 0, 0];
  classes.forEach((name, index) => {
    slots[SLOT[name]] = perClass[index] ?? 0;
  });
  if (classes.length === 1) {
    const [only] = classes;
    slots[only === 'real' ? 1 : 0] = 1 - (perClass[0] ?? 0);
  }
  return normalise(slots);
}

/**
 * The mean of the predictions for the frames of a clip, for a model of single pictures.
 * @param predictions at least one
 */
export function averageProbabilities(predictions: readonly ClassProbabilities[]): ClassProbabilities {
  const sum: [number, number, number] = [0, 0, 0];
  for (const [real, synthetic, semisynthetic] of predictions) {
    sum[0] += real;
    sum[1] += synthetic;
    sum[2] += semisynthetic;
  }
  return normalise(sum);
}

/** 1 / (1 + e^−x), without overflow for any finite x. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function requireProbabilities(numbers: readonly number[]): void {
  const sum = numbers.reduce((total, number) => total + number, 0);
  const outside = numbers.some((number) => number < -TOLERANCE || number > 1 + TOLERANCE);
  if (outside || (numbers.length > 1 && Math.abs(sum - 1) > TOLERANCE)) {
    throw new MinerError(
      'INFERENCE_FAILED',
      `the model gave [${numbers.join(', ')}] and model.json says output.kind probabilities; set output.kind logits if they are logits`,
    );
  }
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function normalise([real, synthetic, semisynthetic]: ClassProbabilities): ClassProbabilities {
  const sum = real + synthetic + semisynthetic;
  return [clamp(real / sum), clamp(synthetic / sum), clamp(semisynthetic / sum)];
}
