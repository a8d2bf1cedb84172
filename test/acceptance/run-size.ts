/** Nothing was trained on media of this seed; `ACCEPTANCE_SEED=7` takes others. */
export function mediaSeed(): number {
  return wholeNumber('ACCEPTANCE_SEED', 340_001, 0);
}

/** Pictures at each level; `ACCEPTANCE_PICTURES=60` makes a quick run. */
export function pictureCount(): number {
  return wholeNumber('ACCEPTANCE_PICTURES', 210, 6);
}

/** Clips at each level. */
export function clipCount(): number {
  return wholeNumber('ACCEPTANCE_CLIPS', 60, 6);
}

function wholeNumber(name: string, usual: number, least: number): number {
  const count = Number(process.env[name] ?? usual);
  if (!Number.isInteger(count) || count < least)
    throw new Error(`${name} must be a whole number from ${least}`);
  return count;
}
