import type { Worker } from 'node:worker_threads';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createSignatureVerifier } from '../../src/epistula/signature-verifier.ts';
import { developmentWallet } from '../../src/wallet/development.ts';

const threads: Worker[] = [];

// The threads are real; they are only kept, so that the test can end one.
vi.mock('node:worker_threads', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:worker_threads')>();
  class KeptWorker extends original.Worker {
    constructor(...options: ConstructorParameters<typeof Worker>) {
      super(...options);
      threads.push(this);
    }
  }
  return { ...original, Worker: KeptWorker };
});

it('a signature thread that dies fails the signature that it was checking, and those behind it are checked by the next', async () => {
  await cryptoWaitReady();
  const verifier = createSignatureVerifier();
  onTestFinished(() => verifier.close());
  const alice = developmentWallet('//Alice');
  const check = () =>
    verifier.verify(
      {
        message: 'm',
        signature: `0x${Buffer.from(alice.sign('m')).toString('hex')}`,
        hotkey: alice.hotkeyAddress,
      },
      'a',
    );
  expect(await check()).toBe(true);
  const checks = Promise.allSettled(Array.from({ length: 50 }, check));
  await threads[0]?.terminate();
  const outcomes = await checks;
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([
    { status: 'rejected', reason: expect.objectContaining({ code: 'AXON_INTERNAL' }) },
  ]);
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value)).toHaveLength(49);
  expect(threads).toHaveLength(2);
});
