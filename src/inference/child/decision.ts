import type { ClassProbabilities } from '../contract/contract.ts';
import type { Decision } from '../contract/model-json.ts';

/**
 * How far the raised class lies above P(real): enough for a reader that keeps six digits or single precision, and too little
 * to matter.
 */
const MARGIN = 1e-6;

/**
 * The vector of the answer. A validator reads only the class with the highest number, and the first of equal ones. So it
 * reads [0.4, 0.3, 0.3] as real, although P(fake) = 0.6.
 * - `argmax`: the vector stays as it is
 * - `binary-first`: if P(fake) = P(synthetic) + P(semisynthetic) is above P(real), the likelier fake class (synthetic, if both
 *   are equal) is raised above P(real). It takes half of the difference from P(real), which changes the vector least, and
 *   half of the margin. All other vectors stay as they are, since both rules agree on them; at P(fake) = 0.5 both say real.
 */
export function decide(probabilities: ClassProbabilities, decision: Decision): ClassProbabilities {
  const [real, synthetic, semisynthetic] = probabilities;
  const likelier = Math.max(synthetic, semisynthetic);
  if (decision === 'argmax' || likelier > real || synthetic + semisynthetic <= real) return probabilities;
  const moved = (real - likelier + MARGIN) / 2;
  return synthetic === likelier
    ? [real - moved, synthetic + moved, semisynthetic]
    : [real - moved, synthetic, semisynthetic + moved];
}
