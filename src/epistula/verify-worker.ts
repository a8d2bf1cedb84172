// The thread that verifies signatures. signature-verifier.ts starts it and gives it one job at a time.
import { parentPort } from 'node:worker_threads';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { verifySignature } from './verify.ts';

/** One signature to check, and the answer to it. */
export interface VerifyJob {
  readonly id: number;
  readonly message: string;
  readonly signature: string;
  readonly hotkey: string;
}
export interface VerifyResult {
  readonly id: number;
  readonly valid: boolean;
}

await cryptoWaitReady();
parentPort?.on('message', ({ id, message, signature, hotkey }: VerifyJob) => {
  parentPort?.postMessage({ id, valid: verifySignature(message, signature, hotkey) } satisfies VerifyResult);
});
