import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline, type Deadline } from '../../src/admission/deadline.ts';
import { createScheduler } from '../../src/admission/scheduler.ts';
import { systemClock } from '../../src/clock.ts';
import { MinerError } from '../../src/errors.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { until } from '../fixtures/until.ts';

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
  const scheduler = createScheduler({ slots: { image: 1, video: 1 }, maxWaiting, clock: systemClock });
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
  it('the scheduler takes the job that is due first', async () => {
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

  it('the scheduler prefers a validator that has nothing running, however urgent the others are', async () => {
    const scheduler = createScheduler({
      slots: { image: 3, video: 1 },
      maxWaiting: 16,
      clock: systemClock,
    });
    const order: string[] = [];
    const hold = withResolvers();
    const short = withResolvers();
    const job = (caller: string, due: Deadline, work: () => Promise<void>) =>
      scheduler.run({ lane: 'image', caller, deadline: due }, work);
    const running = [
      job('greedy', deadline(), () => hold.promise),
      job('third', deadline(), () => hold.promise),
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

  it('the scheduler keeps images going while videos fill their lane', async () => {
    const { scheduler, free, first } = occupied();
    const answer = await scheduler.run(
      { lane: 'video', caller: 'a', deadline: deadline() },
      async () => 'done',
    );
    expect(answer).toBe('done');
    free();
    await first;
  });

  it('the scheduler refuses the least urgent request of the validator with the most, when too many wait', async () => {
    const { enqueue, free } = occupied(2);
    const patient = enqueue('crowd', 'patient');
    const urgent = enqueue('crowd', 'urgent', deadline(9_000));
    const lone = enqueue('lone', 'lone');
    await expect(patient).rejects.toMatchObject({ code: 'ADMISSION_QUEUE_FULL' });
    free();
    await Promise.all([urgent, lone]);
  });

  it('the scheduler drops a request whose time is over while it waits', async () => {
    const { enqueue, free, order, first } = occupied();
    const due = deadline();
    const dropped = enqueue('a', 'dropped', due);
    due.cancel(new MinerError('ADMISSION_DEADLINE', 'over'));
    await expect(dropped).rejects.toMatchObject({ code: 'ADMISSION_DEADLINE' });
    free();
    await first;
    expect(order).toEqual([]);
  });

  it('the scheduler does no work for a request whose time is over when it comes', async () => {
    const { scheduler } = withDearWork(1);
    const due = deadline();
    due.cancel(new MinerError('ADMISSION_DEADLINE', 'over'));
    let isDone = false;
    const late = scheduler.run({ lane: 'video', caller: 'a', deadline: due }, async () => {
      isDone = true;
    });
    await expect(late).rejects.toMatchObject({ code: 'ADMISSION_DEADLINE' });
    expect(isDone).toBe(false);
  });

  it('the scheduler frees the slot when the work fails, and tells when it is idle', async () => {
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

/** A video lane with a clock that stands still, and work that lasts until it is ended or its deadline is. */
function withDearWork(slots: number) {
  const clock = createManualClock();
  const scheduler = createScheduler({ slots: { image: 1, video: slots }, maxWaiting: 64, clock });
  const order: string[] = [];
  const start = (caller: string, end: Promise<void> = new Promise(() => undefined)) => {
    const due = deadline();
    const done = scheduler.run({ lane: 'video', caller, deadline: due }, async () => {
      order.push(caller);
      await Promise.race([
        end,
        new Promise((_, reject) =>
          due.signal.addEventListener('abort', () => reject(new Error('decoder was killed'))),
        ),
      ]);
    });
    done.catch(() => undefined);
    return { done, due };
  };
  /** Longer than the interval at which the scheduler looks. */
  const look = () => sleep(500);
  return { clock, scheduler, order, start, look };
}

describe('the scheduler, against a caller whose work is dear,', () => {
  it('against dear work, the scheduler leaves a slot of the lane to others', async () => {
    const { start, order, scheduler } = withDearWork(2);
    start('greedy');
    start('greedy');
    expect(scheduler.status().video).toEqual({ running: 1, waiting: 1, slots: 2 });
    await start('other', Promise.resolve()).done;
    expect(order).toEqual(['greedy', 'other']);
    expect(scheduler.status().video).toEqual({ running: 1, waiting: 1, slots: 2 });
  });

  it('against dear work, the scheduler ends its work after four seconds if another waits, and then puts it behind all others', async () => {
    const { start, order, clock, look } = withDearWork(1);
    const dear = start('greedy');
    const second = start('greedy', Promise.resolve());
    const others = ['a', 'b'].map((caller) => start(caller, Promise.resolve()));
    clock.advance(3_999);
    await look();
    expect(order).toEqual(['greedy']);
    clock.advance(1);
    await expect(dear.done).rejects.toMatchObject({ code: 'ADMISSION_YIELDED' });
    expect(dear.due.signal.reason).toMatchObject({ code: 'ADMISSION_YIELDED' });
    await Promise.all([...others, second].map(({ done }) => done));
    expect(order).toEqual(['greedy', 'a', 'b', 'greedy']);
  });

  it('against dear work, the scheduler does nothing while nobody else waits, or nobody has waited for long', async () => {
    const { start, clock, look, scheduler } = withDearWork(1);
    start('greedy');
    const second = start('greedy');
    clock.advance(9_000);
    await look();
    second.due.cancel(new MinerError('ADMISSION_DEADLINE', 'over'));
    start('newcomer');
    clock.advance(1_999);
    await look();
    expect(scheduler.status().video).toMatchObject({ running: 1, waiting: 1 });
  });

  it('against dear work, the scheduler ends no work of a caller for the next request of that same caller', async () => {
    const { start, clock } = withDearWork(3);
    const own = start('patient');
    clock.advance(1);
    const older = start('older');
    clock.advance(1);
    const newer = start('newer');
    start('patient');
    clock.advance(4_000);
    await expect(older.done).rejects.toMatchObject({ code: 'ADMISSION_YIELDED' });
    expect([own, newer].map(({ due }) => due.signal.aborted)).toEqual([false, false]);
  });

  it('against dear work, the scheduler ends no work of others for a caller whose own was ended', async () => {
    const { start, clock, look } = withDearWork(1);
    const dear = start('greedy');
    const other = start('other');
    clock.advance(4_000);
    await expect(dear.done).rejects.toMatchObject({ code: 'ADMISSION_YIELDED' });
    start('greedy');
    clock.advance(4_100);
    await look();
    expect(other.due.signal.aborted).toBe(false);
  });

  it('against dear work, the scheduler ends one work of a lane, and once, however long it takes to end', async () => {
    const { scheduler, clock, start, look } = withDearWork(2);
    let fail = () => {};
    const failing = new Promise<void>((_, reject) => {
      fail = () => reject(new Error('killed'));
    });
    const [older, newer] = ['a', 'b'].map((caller) => {
      const due = deadline();
      const done = scheduler.run({ lane: 'video', caller, deadline: due }, () => failing);
      done.catch(() => undefined);
      clock.advance(1);
      return { due, done };
    });
    start('patient', Promise.resolve());
    clock.advance(4_000);
    await until(() => older?.due.signal.aborted === true);
    clock.advance(3_000);
    await look();
    expect(newer?.due.signal.aborted).toBe(false);
    fail();
    await expect(older?.done).rejects.toMatchObject({ fields: { tookMs: 4_002 } });
  });

  it('against dear work, the scheduler lets work go on that takes as long as that of other callers', async () => {
    const { start, clock, look, scheduler } = withDearWork(1);
    const { promise, resolve } = withResolvers();
    const usual = start('usual', promise);
    clock.advance(1_500);
    resolve();
    await usual.done;
    start('another');
    start('patient');
    clock.advance(5_999);
    await look();
    expect(scheduler.status().video).toMatchObject({ running: 1, waiting: 1 });
    clock.advance(1);
    await until(() => scheduler.status().video.waiting === 0);
  });
});

/** A video lane whose work gives its slot back when the test says so, and then lasts until the test ends it. */
function withDecodedWork(slots: number) {
  const clock = createManualClock();
  const scheduler = createScheduler({ slots: { image: 1, video: slots }, maxWaiting: 64, clock });
  const order: string[] = [];
  const start = (caller: string) => {
    const due = deadline();
    const end = withResolvers();
    let freeSlot = () => {};
    const done = scheduler.run({ lane: 'video', caller, deadline: due }, async (free) => {
      order.push(caller);
      freeSlot = free;
      await Promise.race([
        end.promise,
        new Promise((_, reject) => due.signal.addEventListener('abort', () => reject(new Error('ended')))),
      ]);
    });
    done.catch(() => undefined);
    const decoded = async () => {
      await nextTurn();
      freeSlot();
      await nextTurn();
    };
    return { done, due, end: end.resolve, decoded };
  };
  return { clock, scheduler, order, start, look: () => sleep(500) };
}

describe('the scheduler, when work gives its slot back before it ends,', () => {
  it('for work that freed its slot, the scheduler gives the slot to another caller, and counts the work as running until it ends', async () => {
    const { scheduler, start, order } = withDecodedWork(1);
    const first = start('a');
    const second = start('b');
    await nextTurn();
    expect(order).toEqual(['a']);
    await first.decoded();
    expect(order).toEqual(['a', 'b']);
    expect(scheduler.status().video).toEqual({ running: 2, waiting: 0, slots: 1 });
    let isIdle = false;
    const idle = scheduler.idle().then(() => {
      isIdle = true;
    });
    second.end();
    await second.done;
    expect(isIdle).toBe(false);
    first.end();
    await first.done;
    await idle;
    expect(scheduler.status().video).toEqual({ running: 0, waiting: 0, slots: 1 });
  });

  it('for work that freed its slot, the scheduler frees one slot for it, however often it says so', async () => {
    const { start, order } = withDecodedWork(2);
    const first = start('a');
    start('b');
    start('c');
    start('d');
    await nextTurn();
    expect(order).toEqual(['a', 'b']);
    await first.decoded();
    await first.decoded();
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('for work that freed its slot, the scheduler has no more work in the lane than two for each slot', async () => {
    const { start, order } = withDecodedWork(1);
    const [first, second] = [start('a'), start('b'), start('c')];
    await first?.decoded();
    await second?.decoded();
    expect(order).toEqual(['a', 'b']);
    first?.end();
    await first?.done;
    await nextTurn();
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('for work that freed its slot, the scheduler starts no more work of one caller than before', async () => {
    const { start, order } = withDecodedWork(2);
    const first = start('a');
    start('a');
    await first.decoded();
    start('b');
    await nextTurn();
    expect(order).toEqual(['a', 'b']);
    first.end();
    await first.done;
    await nextTurn();
    expect(order).toEqual(['a', 'b', 'a']);
  });

  it('for work that freed its slot, the scheduler ends no dear work that has no slot, if others wait for a slot', async () => {
    const { start, order, clock, look } = withDecodedWork(1);
    const decoded = start('a');
    await decoded.decoded();
    clock.advance(3_000);
    const decoding = start('b');
    start('c');
    clock.advance(3_000);
    await look();
    expect([decoded, decoding].map(({ due }) => due.signal.aborted)).toEqual([false, false]);
    clock.advance(1_000);
    await expect(decoding.done).rejects.toMatchObject({ code: 'ADMISSION_YIELDED' });
    expect(decoded.due.signal.aborted).toBe(false);
    await nextTurn();
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('for work that freed its slot, the scheduler ends dear work that has no slot, if others wait for it to end', async () => {
    const { start, order, clock } = withDecodedWork(1);
    const first = start('a');
    await first.decoded();
    await start('b').decoded();
    start('c');
    clock.advance(4_000);
    await expect(first.done).rejects.toMatchObject({ code: 'ADMISSION_YIELDED' });
    await nextTurn();
    expect(order).toEqual(['a', 'b', 'c']);
  });
});
