/** The same on every run, so that a failure can be met again. */
export const SEED = 34;

/** Random requests, and pictures to decode, of one run; `INTEROP_REQUESTS=2000` makes a full one. */
export function requestCount(): number {
  const count = Number(process.env.INTEROP_REQUESTS ?? 300);
  if (!Number.isInteger(count) || count < 1)
    throw new Error('INTEROP_REQUESTS must be a whole number from 1');
  return count;
}
