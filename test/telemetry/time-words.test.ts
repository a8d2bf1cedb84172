import { expect, it } from 'vitest';
import { timeWords } from '../../src/telemetry/time-words.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

it.each([
  [-5, '0 seconds'],
  [1_000, '1 second'],
  [MINUTE_MS, '60 seconds'],
  [119_400, '119 seconds'],
  [119_600, '2 minutes'],
  [59 * MINUTE_MS, '59 minutes'],
  [90 * MINUTE_MS, '90 minutes'],
  [150 * MINUTE_MS, '3 hours'],
  [47 * HOUR_MS, '47 hours'],
  [48 * HOUR_MS, '2 days'],
  [30.4 * 24 * HOUR_MS, '30 days'],
])('%i ms are %s', (durationMs, words) => {
  expect(timeWords(durationMs)).toBe(words);
});
