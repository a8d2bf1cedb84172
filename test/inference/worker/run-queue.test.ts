import { describe, expect, it } from 'vitest';
import type { EngineInput } from '../../../src/inference/engine.ts';
import { createRunQueue } from '../../../src/inference/worker/run-queue.ts';
import { lasting, plain, sourceSize } from '../harness.ts';

const input: EngineInput = {
  frames: plain([0, 0, 0]),
  contentHash: 'any',
  sourceSize,
};

describe('the queue of a model', () => {
  it('the queue refuses a request when it is full', async () => {
    const queue = createRunQueue({ limit: 1 });
    const first = queue.add(input, lasting());
    expect(() => queue.add(input, lasting())).toThrow(
      expect.objectContaining({ code: 'ADMISSION_QUEUE_FULL' }),
    );
    queue.take()?.reject(new Error('done'));
    await expect(first).rejects.toThrow('done');
  });

  it('the queue refuses a request whose deadline has passed', async () => {
    const queue = createRunQueue({ limit: 1 });
    const refused = queue.add(input, lasting(1_000, AbortSignal.abort(new Error('too late'))));
    await expect(refused).rejects.toThrow('too late');
    expect(queue.size).toBe(0);
  });

  it('the queue does not take back a request that has its answer', async () => {
    const queue = createRunQueue({ limit: 1 });
    const deadline = new AbortController();
    const answer = queue.add(input, lasting(1_000, deadline.signal));
    const run = queue.take();
    deadline.abort(new Error('too late'));
    await expect(answer).rejects.toThrow('too late');
    if (run !== undefined) queue.restore(run);
    expect(queue.take()).toBeUndefined();
  });
});
