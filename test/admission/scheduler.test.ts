import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline, type Deadline } from '../../src/admission/deadline.ts';
import { createScheduler } from '../../src/admission/scheduler.ts';
import { systemClock } from '../../src/clock.ts';
import { MinerError } from '../../src/errors.ts';

function deadline(waitingForMs = 0): Deadline {
  const made = createDeadline(systemClock, waitingForMs);
  onTestFinished(made.dispose);
  return made;
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** A scheduler with one slot a lane that is taken until `free()` is called. */
function occupied(maxWaiting = 16) {
  const scheduler = createScheduler({ slots: { image: 1, video: 1 }, maxWaiting });
  const order: string[] = [];
  const { promise, resolve: free } = withResolvers();
  const first = scheduler.run({ lane: 'image', caller: 'busy', deadline: deadline() }, () => promise);
  const enqueue = (caller: string, name: string, due = deadline()) =>
    scheduler.run({ lane: 'image', caller, deadline: due }, async () => {
      order.push(name);
    });
  return { scheduler, order, enqueue, free, first };
}

describe('the scheduler', () => {
  it('takes what is due first', async () => {
    const { order, enqueue, free } = occupied();
    const jobs = [
      enqueue('a', 'late'),
      enqueue('a', 'soon', deadline(5_000)),
      enqueue('a', 'sooner', deadline(9_000)),
    ];
    free();
    await Promise.all(jobs);
    expect(order).toEqual(['sooner', 'soon', 'late']);
  });

  it('prefers a validator that has nothing running, however urgent the others are', async () => {
    const scheduler = createScheduler({ slots: { image: 2, video: 1 }, maxWaiting: 16 });
    const order: string[] = [];
    const hold = withResolvers();
    const short = withResolvers();
    const job = (caller: string, due: Deadline, work: () => Promise<void>) =>
      scheduler.run({ lane: 'image', caller, deadline: due }, work);
    const running = [
      job('greedy', deadline(), () => hold.promise),
      job('other', deadline(), () => short.promise),
    ];
    const note = (name: string) => async () => {
      order.push(name);
    };
    const waiting = [
      job('greedy', deadline(9_000), note('greedy')),
      job('modest', deadline(), note('modest')),
    ];
    short.resolve();
    await Promise.all(waiting);
    hold.resolve();
    await Promise.all(running);
    expect(order).toEqual(['modest', 'greedy']);
  });

  it('keeps images going while videos fill their lane', async () => {
    const { scheduler, free, first } = occupied();
    const answer = await scheduler.run(
      { lane: 'video', caller: 'a', deadline: deadline() },
      async () => 'done',
    );
    expect(answer).toBe('done');
    free();
    await first;
  });

  it('refuses the least urgent request of the validator with the most, when too many wait', async () => {
    const { enqueue, free } = occupied(2);
    const patient = enqueue('crowd', 'patient');
    const urgent = enqueue('crowd', 'urgent', deadline(9_000));
    const lone = enqueue('lone', 'lone');
    await expect(patient).rejects.toMatchObject({ code: 'ADMISSION_QUEUE_FULL' });
    free();
    await Promise.all([urgent, lone]);
  });

  it('drops a request whose time is over while it waits', async () => {
    const { enqueue, free, order, first } = occupied();
    const due = deadline();
    const dropped = enqueue('a', 'dropped', due);
    due.cancel(new MinerError('ADMISSION_DEADLINE', 'over'));
    await expect(dropped).rejects.toMatchObject({ code: 'ADMISSION_DEADLINE' });
    free();
    await first;
    expect(order).toEqual([]);
  });

  it('frees the slot when the work fails, and tells when it is idle', async () => {
    const { scheduler, enqueue, free, order } = occupied();
    const failing = scheduler.run({ lane: 'image', caller: 'a', deadline: deadline(5_000) }, () =>
      Promise.reject(new Error('broken')),
    );
    const after = enqueue('a', 'after');
    const idle = scheduler.idle();
    free();
    await expect(failing).rejects.toThrow('broken');
    await after;
    await idle;
    expect(order).toEqual(['after']);
    expect(scheduler.status().image).toEqual({ running: 0, waiting: 0, slots: 1 });
  });
});
