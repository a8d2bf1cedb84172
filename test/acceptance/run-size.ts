/** Nothing was trained on media of this seed. */
export const SEED = 340_001;

/** Pictures at each level; `ACCEPTANCE_PICTURES=60` makes a quick run. */
export function pictureCount(): number {
  return wholeNumber('ACCEPTANCE_PICTURES', 210);
}

/** Clips at each level. */
export function clipCount(): number {
  return wholeNumber('ACCEPTANCE_CLIPS', 60);
}

function wholeNumber(name: string, usual: number): number {
  const count = Number(process.env[name] ?? usual);
  if (!Number.isInteger(count) || count < 6) throw new Error(`${name} must be a whole number from 6`);
  return count;
}
