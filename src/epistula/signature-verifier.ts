// Verifies signatures on a thread of its own, so that a flood of forged ones never stops the axon's event loop.
// The assembly owns it; signed-request.ts calls it. verify-worker.ts is the thread.
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { hexToU8a, stringToU8a } from '@polkadot/util';
import { decodeAddress, sr25519Verify } from '@polkadot/util-crypto';
import { MinerError } from '../errors.ts';

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

export interface SignatureVerifier {
  /**
   * Whether the signature holds. Network addresses take turns, so that an address with many forged requests only makes
   * itself wait.
   * @throws MinerError AXON_BUSY if too many of the address wait, AXON_CLOSING after `close()`
   */
  verify(job: Omit<VerifyJob, 'id'>, remoteAddress: string): Promise<boolean>;
  close(): Promise<void>;
}

interface Waiting extends Omit<VerifyJob, 'id'> {
  readonly settle: (valid: boolean) => void;
  readonly fail: (error: MinerError) => void;
}

/** About two seconds of work: a request that waits behind more could hardly be answered in time. */
const MAX_WAITING_PER_ADDRESS = 512;

export function createSignatureVerifier(): SignatureVerifier {
  const workerPath = createRequire(import.meta.url).resolve('#verify-worker');
  /** What waits, by network address; the next address is the first. */
  const queues = new Map<string, Waiting[]>();
  // Started at once, so that the first request does not wait for it.
  let worker: Worker | undefined = start();
  let current: { readonly id: number; readonly job: Waiting } | undefined;
  let nextId = 1;
  let closed = false;

  function start(): Worker {
    const started = new Worker(workerPath);
    started.unref();
    started.on('message', (result: VerifyResult) => {
      if (current?.id !== result.id) return;
      current.job.settle(result.valid);
      current = undefined;
      pump();
    });
    let cause: unknown;
    started.on('error', (error) => {
      cause = error;
    });
    // Follows an error; comes alone if the thread ended by itself.
    started.on('exit', () => {
      worker = undefined;
      current?.job.fail(new MinerError('AXON_INTERNAL', 'the signature thread died', { cause }));
      current = undefined;
      if (!closed) pump();
    });
    return started;
  }

  /** Gives the worker the next job: addresses in turn, and the oldest job of each. */
  function pump(): void {
    if (current !== undefined) return;
    const next = queues.entries().next().value;
    if (next === undefined) return;
    const [remoteAddress, queue] = next;
    queues.delete(remoteAddress);
    const job = queue.shift();
    if (queue.length > 0) queues.set(remoteAddress, queue);
    if (job === undefined) return;
    worker ??= start();
    current = { id: nextId++, job };
    worker.postMessage({
      id: current.id,
      message: job.message,
      signature: job.signature,
      hotkey: job.hotkey,
    } satisfies VerifyJob);
  }

  return {
    verify: (job, remoteAddress) =>
      new Promise((settle, fail) => {
        if (closed) return fail(new MinerError('AXON_CLOSING', 'the miner is shutting down'));
        const queue = queues.get(remoteAddress) ?? [];
        if (queue.length >= MAX_WAITING_PER_ADDRESS) {
          return fail(
            new MinerError(
              'AXON_BUSY',
              'too many requests from this address wait for the check of their signature',
            ),
          );
        }
        queue.push({ ...job, settle, fail });
        queues.set(remoteAddress, queue);
        pump();
      }),
    async close() {
      closed = true;
      const gone = new MinerError('AXON_CLOSING', 'the miner is shutting down');
      for (const queue of queues.values()) for (const job of queue) job.fail(gone);
      queues.clear();
      current?.job.fail(gone);
      current = undefined;
      await worker?.terminate();
    },
  };
}

/**
 * Whether `signature` (0x and 128 hex digits) is the sr25519 signature of the hotkey over the raw message, with the signing
 * context `substrate`. False if the signature or the hotkey is malformed. Costs 2 to 5 ms of the calling thread; call
 * `cryptoWaitReady()` first.
 */
export function verifySignature(message: string, signature: string, hotkey: string): boolean {
  try {
    return sr25519Verify(stringToU8a(message), hexToU8a(signature), decodeAddress(hotkey));
  } catch {
    return false;
  }
}
