import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, expect, it } from 'vitest';
import { createSynapseProtocol } from '../../src/axon/synapse-protocol.ts';
import { createReplayGuard, type ReplayGuard } from '../../src/epistula/replay-guard.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createDendrite } from '../fixtures/dendrite.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { BOB } from '../fixtures/validator.ts';

beforeAll(async () => {
  await cryptoWaitReady();
});

it('after a restart a synapse that was served is refused, and one that was sent before it and not served is taken', async () => {
  const clock = createManualClock();
  const folder = join(temporaryFolderPath(), 'served');
  const protocol = createSynapseProtocol({
    hotkey: BOB,
    axonVersion: 9_003_000,
    futureToleranceMs: 60_000,
    bodyLimitBytes: 1_000_000,
    clock,
  });
  const start = () =>
    createReplayGuard({ folder, futureToleranceMs: 60_000, clock, logger: createCapturingLogger().logger });
  const alice = createDendrite('//Alice');
  const signedAt = (unixMs: number) => alice.sign({ nonce: BigInt(unixMs) * 1_000_000n });
  /** Whether the request is served. */
  const serve = async (replayGuard: ReplayGuard, headers: Record<string, string>) => {
    const claim = protocol.readClaim(headers, clock.now(), '/ImageSynapse');
    const { hotkey, timestampMs } = claim;
    let isNew: boolean | undefined;
    await protocol.beforeBody(claim, async ({ id, freshForMs }) => {
      isNew = replayGuard.remember({ hotkey, id, task: 'image', timestampMs, freshForMs });
    });
    return isNew;
  };
  const [first, second] = [signedAt(clock.now() - 1), signedAt(clock.now())];
  expect(await serve(start(), second)).toBe(true);
  const restarted = start();
  expect(await serve(restarted, first)).toBe(true);
  expect(await serve(restarted, second)).toBe(false);
});
