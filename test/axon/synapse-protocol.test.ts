import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { createSignatureCheck } from '../../src/axon/signature-check.ts';
import { createSynapseProtocol } from '../../src/axon/synapse-protocol.ts';
import { createReplayGuard } from '../../src/epistula/replay-guard.ts';
import { createSignatureVerifier } from '../../src/epistula/signature-verifier.ts';
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
  const verifier = createSignatureVerifier();
  onTestFinished(() => verifier.close());
  const start = () =>
    createSynapseProtocol({
      hotkey: BOB,
      axonVersion: 9_003_000,
      futureToleranceMs: 60_000,
      bodyLimitBytes: 1_000_000,
      signatures: createSignatureCheck({
        verifier,
        replayGuard: createReplayGuard({
          folder,
          futureToleranceMs: 60_000,
          clock,
          logger: createCapturingLogger().logger,
        }),
      }),
      clock,
    });
  const alice = createDendrite('//Alice');
  const signedAt = (unixMs: number) => alice.sign({ nonce: BigInt(unixMs) * 1_000_000n });
  const serve = async (protocol: ReturnType<typeof start>, headers: Record<string, string>) => {
    const claim = protocol.readClaim(headers, clock.now(), '/ImageSynapse');
    await protocol.beforeBody(claim, {
      remoteAddress: '127.0.0.1',
      task: 'image',
      verify: (check) => check(),
    });
  };
  const [first, second] = [signedAt(clock.now() - 1), signedAt(clock.now())];
  await serve(start(), second);
  const restarted = start();
  await serve(restarted, first);
  await expect(serve(restarted, second)).rejects.toMatchObject({ code: 'AXON_REPLAY' });
});
