import { MinerError } from '../errors.ts';
import type { ClassProbabilities } from '../inference/contract/contract.ts';
import type { EngineInput, HeldModel, InferOptions } from '../inference/engine.ts';

const SUM_TOLERANCE = 1e-9;

/**
 * How likely a picture or clip is real, synthetic and semisynthetic, as it goes on the wire: three numbers from 0 to 1
 * whose sum is 1. A validator refuses any other vector.
 * @param model a model whose task is `image` or `video`
 * @throws MinerError INFERENCE_FAILED if the model answers anything else, and what `infer` throws
 */
export async function detect(
  model: Pick<HeldModel, 'infer'>,
  input: EngineInput,
  options: InferOptions,
): Promise<ClassProbabilities> {
  const prediction = await model.infer(input, options);
  if (prediction.kind !== 'probabilities') {
    throw new MinerError('INFERENCE_FAILED', `a detector's model answered with a ${prediction.kind}`);
  }
  const { values } = prediction;
  const sum = values.reduce((total, value) => total + value, 0);
  const proper = values.length === 3 && values.every((value) => value >= 0 && value <= 1);
  if (!proper || !(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    throw new MinerError('INFERENCE_FAILED', `the model answered [${values.join(', ')}]`);
  }
  return values;
}
