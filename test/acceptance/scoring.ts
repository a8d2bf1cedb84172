/** How the subnet judges answers, 3.3.1. Classes are 0 real, 1 synthetic, 2 semisynthetic. */

/** The class that a validator reads from a vector: the largest, the first of equals. */
export function argmax(vector: readonly number[]): number {
  return vector.indexOf(Math.max(...vector));
}

/**
 * Matthews correlation coefficient of any number of classes, as scikit-learn computes it.
 * @returns in [-1, 1]; 0 if the truth or the answers have only one class
 */
export function matthews(truth: readonly number[], answers: readonly number[]): number {
  const classes = [...new Set([...truth, ...answers])];
  const count = truth.length;
  const correct = truth.filter((label, i) => label === answers[i]).length;
  const tally = (labels: readonly number[]) =>
    classes.map((k) => labels.filter((label) => label === k).length);
  const [true_, answered] = [tally(truth), tally(answers)];
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const spread = (count ** 2 - dot(answered, answered)) * (count ** 2 - dot(true_, true_));
  return spread === 0 ? 0 : (correct * count - dot(true_, answered)) / Math.sqrt(spread);
}

/** Matthews coefficient of real against everything else. */
export function binaryMatthews(truth: readonly number[], answers: readonly number[]): number {
  const fake = (labels: readonly number[]) => labels.map((label) => Number(label > 0));
  return matthews(fake(truth), fake(answers));
}

/**
 * Intersection over union of a mask and the truth; confidences above 0.5 count, 0.5 itself does not.
 * @param truth above 0 where altered, as many pixels as `answer`
 * @throws Error if the sizes differ
 */
export function intersectionOverUnion(truth: Uint8Array, answer: Float32Array): number {
  if (truth.length !== answer.length) throw new Error(`${answer.length} pixels answered for ${truth.length}`);
  let both = 0;
  let either = 0;
  for (let i = 0; i < truth.length; i++) {
    const [isTrue, isAnswered] = [(truth[i] ?? 0) > 0, (answer[i] ?? 0) > 0.5];
    if (isTrue && isAnswered) both++;
    if (isTrue || isAnswered) either++;
  }
  return both / either;
}
