import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { MinerError } from '../errors.ts';
import type { VerifyJob, VerifyResult } from './verify-worker.ts';

/** Checks signatures on a thread of its own, so that a flood of forged ones never stops the axon's event loop. */
export interface SignatureVerifier {
  /**
   * Whether the signature holds. Callers take turns by `lane` (the caller's network address), so one address with many
   * forged requests only makes itself wait.
   * @throws MinerError AXON_BUSY when a lane has too many waiting, AXON_CLOSING after `close()`
   */
  verify(job: Omit<VerifyJob, 'id'>, lane: string): Promise<boolean>;
  close(): Promise<void>;
}

interface Waiting extends Omit<VerifyJob, 'id'> {
  readonly settle: (valid: boolean) => void;
  readonly fail: (error: MinerError) => void;
}

/** About two seconds of work: what waits behind more than this could hardly be answered in time. */
const MAX_WAITING_PER_LANE = 512;

export function createSignatureVerifier(): SignatureVerifier {
  const workerPath = createRequire(import.meta.url).resolve('#verify-worker');
  const lanes = new Map<string, Waiting[]>();
  // At once, so that the first request does not wait for it.
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
    // Follows an error, and comes alone where the thread ended by itself.
    started.on('exit', () => {
      worker = undefined;
      current?.job.fail(new MinerError('AXON_INTERNAL', 'the signature thread died', { cause }));
      current = undefined;
      if (!closed) pump();
    });
    return started;
  }

  /** Hands the worker the next job: lanes in turn, first come first served within each. */
  function pump(): void {
    if (current !== undefined) return;
    const next = lanes.entries().next().value;
    if (next === undefined) return;
    const [lane, queue] = next;
    lanes.delete(lane);
    const job = queue.shift();
    if (queue.length > 0) lanes.set(lane, queue);
    if (job === undefined) return;
    worker ??= start();
    current = { id: nextId++, job };
    worker.postMessage({
      id: current.id,
      message: job.message,
      signature: job.signature,
      address: job.address,
    } satisfies VerifyJob);
  }

  return {
    verify: (job, lane) =>
      new Promise((settle, fail) => {
        if (closed) return fail(new MinerError('AXON_CLOSING', 'the miner is shutting down'));
        const queue = lanes.get(lane) ?? [];
        if (queue.length >= MAX_WAITING_PER_LANE) {
          return fail(new MinerError('AXON_BUSY', 'too many requests of this address wait for verification'));
        }
        queue.push({ ...job, settle, fail });
        lanes.set(lane, queue);
        pump();
      }),
    async close() {
      closed = true;
      const gone = new MinerError('AXON_CLOSING', 'the miner is shutting down');
      for (const queue of lanes.values()) for (const job of queue) job.fail(gone);
      lanes.clear();
      current?.job.fail(gone);
      current = undefined;
      await worker?.terminate();
    },
  };
}
