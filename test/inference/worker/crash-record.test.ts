import { describe, expect, it } from 'vitest';
import { createCrashRecord } from '../../../src/inference/worker/crash-record.ts';

describe('the record of crashes', () => {
  it('bars an input at its second crash within ten minutes, for ten minutes', () => {
    let nowMs = 0;
    const record = createCrashRecord({ clock: { monotonic: () => nowMs } });
    record.add('a');
    expect(record.isBarred('a')).toBe(false);
    nowMs = 599_999;
    record.add('a');
    expect(record.isBarred('a')).toBe(true);
    expect(record.isBarred('b')).toBe(false);
    nowMs += 599_999;
    expect(record.isBarred('a')).toBe(true);
    nowMs += 1;
    expect(record.isBarred('a')).toBe(false);
  });

  it('forgets one crash after ten minutes', () => {
    let nowMs = 0;
    const record = createCrashRecord({ clock: { monotonic: () => nowMs } });
    record.add('a');
    nowMs = 600_000;
    record.add('a');
    expect(record.isBarred('a')).toBe(false);
  });

  it('forgets the crash of an input that the process lived through since', () => {
    const record = createCrashRecord({ clock: { monotonic: () => 0 } });
    record.add('a');
    record.clear('a');
    record.add('a');
    expect(record.isBarred('a')).toBe(false);
  });

  it('is bounded: the oldest are forgotten', () => {
    const record = createCrashRecord({ clock: { monotonic: () => 0 } });
    for (const hash of ['old', 'old', 'kept', 'kept']) record.add(hash);
    for (let index = 0; index < 1023; index += 1) record.add(`other ${index}`);
    expect([record.isBarred('old'), record.isBarred('kept')]).toEqual([false, true]);
  });
});
