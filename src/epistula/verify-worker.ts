import { parentPort } from 'node:worker_threads';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { verifySignature } from './verify.ts';

/** One signature to check, and the answer to it. */
export interface VerifyJob {
  readonly id: number;
  readonly message: string;
  readonly signature: string;
  readonly address: string;
}
export interface VerifyResult {
  readonly id: number;
  readonly valid: boolean;
}

await cryptoWaitReady();
parentPort?.on('message', ({ id, message, signature, address }: VerifyJob) => {
  parentPort?.postMessage({ id, valid: verifySignature(message, signature, address) } satisfies VerifyResult);
});
