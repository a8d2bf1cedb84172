import type { InferenceSession } from 'onnxruntime-node';
import type { RgbFrames } from '../../media/frames.ts';
import type { ClassProbabilities, ModelContract } from '../contract/contract.ts';
import { classCount, locateMask } from '../contract/output.ts';
import { decide } from './decision.ts';
import { encodeMask } from './mask.ts';
import { type RawOutput, runSession } from './onnx-session.ts';
import { averageProbabilities, toProbabilities } from './probabilities.ts';

/** What a model says about one picture or clip, as it goes on the wire. */
export type Answer =
  | { readonly kind: 'probabilities'; readonly values: ClassProbabilities }
  | { readonly kind: 'mask'; readonly bytes: Buffer };

/**
 * Puts one picture or clip to a model, in one or more runs.
 * @param frames of the number and size that the contract asks for
 * @param sourceSize of the picture as it was sent: the size of the mask
 * @param observe gets the output of each run
 * @throws MinerError INFERENCE_FAILED if the output is no prediction, MODEL_* if it has another shape than the contract says;
 *   what ONNX Runtime throws
 */
export async function predict(
  session: InferenceSession,
  { input, output }: Pick<ModelContract, 'input' | 'output'>,
  frames: RgbFrames,
  sourceSize: { readonly height: number; readonly width: number },
  observe?: (output: RawOutput) => void,
): Promise<Answer> {
  if (output.kind === 'mask') {
    const raw = await runSession(session, input, output.name, frames);
    observe?.(raw);
    const { values, shape } = raw;
    const place = locateMask(shape, output.activation);
    return { kind: 'mask', bytes: encodeMask(values, place, sourceSize, input.fit, output) };
  }
  const predictions: ClassProbabilities[] = [];
  for (let start = 0; start < frames.count; start += input.framesPerRun) {
    const chunk = sliceFrames(frames, start, input.framesPerRun);
    const raw = await runSession(session, input, output.name, chunk);
    observe?.(raw);
    const { values, shape } = raw;
    const rows = input.layout.includes('T') ? 1 : chunk.count;
    const width = classCount(shape, rows);
    for (let row = 0; row < rows; row += 1) {
      const numbers = Array.from({ length: width }, (_, index) => values[row * width + index] ?? Number.NaN);
      predictions.push(toProbabilities(numbers, output));
    }
  }
  return { kind: 'probabilities', values: decide(averageProbabilities(predictions), output.decision) };
}

function sliceFrames({ data, count, height, width }: RgbFrames, start: number, length: number): RgbFrames {
  const end = Math.min(count, start + length);
  const frameBytes = height * width * 3;
  return { data: data.subarray(start * frameBytes, end * frameBytes), count: end - start, height, width };
}
