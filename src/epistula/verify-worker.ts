// The thread that verifies signatures. signature-verifier.ts starts it and gives it one job at a time.
import { parentPort } from 'node:worker_threads';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { type VerifyJob, type VerifyResult, verifySignature } from './signature-verifier.ts';

await cryptoWaitReady();
parentPort?.on('message', ({ id, message, signature, hotkey }: VerifyJob) => {
  parentPort?.postMessage({ id, valid: verifySignature(message, signature, hotkey) } satisfies VerifyResult);
});
