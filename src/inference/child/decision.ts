import type { ClassProbabilities } from '../contract/contract.ts';
import type { Decision } from '../contract/model-json.ts';

/**
 * How far a moved class comes to lie above P(real): enough to outlive a reader that keeps six digits or single
 * precision, and too little to say anything.
 */
const MARGIN = 1e-6;

/**
 * The vector that is answered. A validator reads the class with the highest number only, the first of equals, and so
 * takes [0.4, 0.3, 0.3] for real although P(fake) = 0.6.
 * - `argmax`: left as it is
 * - `binary-first`: where P(fake) = P(synthetic) + P(semisynthetic) is above P(real) and so above 0.5, the likelier fake
 *   class (synthetic, of equals) is brought above P(real). Of all ways to do so, taking half of the difference from
 *   P(real) moves the least; the margin comes on top. Everything else agrees already and is left as it is: fakes that
 *   together are not above P(real) aren't above it singly, and at P(fake) = 0.5 both rules say real.
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
