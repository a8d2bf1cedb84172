import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningMiners, startMiners } from './miners.ts';
import { runPython } from './python.ts';
import { pythonOf } from './python-environments.ts';
import { requestCount, SEED } from './run-size.ts';

/** Milliseconds that one request may take on the average, its media included. */
const REQUEST_TIME_LIMIT_MS = 1_000;
const REFUSAL_REPEATS = 5;

describe.skipIf(pythonOf('sdk-9').missing)("a validator on the SDK's keypair", () => {
  let miners: RunningMiners;
  beforeAll(async () => {
    miners = await startMiners();
  });
  afterAll(() => miners?.close());

  const requests = requestCount();
  const timeLimitMs = 60_000 + requests * REQUEST_TIME_LIMIT_MS;

  it(
    `accepts every answer to ${requests} random requests`,
    async () => {
      const result = await runPython<{
        sent: number;
        accepted: number;
        problems: string[];
        figures: string[];
      }>('sdk-9', 'challenges.py', { ...miners.addresses, requests, seed: SEED }, timeLimitMs);
      process.stdout.write(
        `\naccepted ${result.accepted} of ${result.sent}\n  ${result.figures.join('\n  ')}\n`,
      );
      expect(result.problems).toEqual([]);
      expect([result.sent, result.accepted]).toEqual([requests, requests]);
    },
    timeLimitMs,
  );

  it('each fault in a request of the SDK is refused as expected', async () => {
    const { sent, refused, cases, problems } = await runPython<{
      sent: number;
      refused: number;
      cases: number;
      problems: string[];
    }>('sdk-9', 'refusals.py', { ...miners.addresses, repeat: REFUSAL_REPEATS, seed: SEED });
    process.stdout.write(`\nrefused as expected ${refused} of ${sent}, ${cases} kinds\n`);
    expect(problems).toEqual([]);
    expect(refused).toBe(sent);
  });
});
