import { describe, expect, it } from 'vitest';
import { createCrashRecord } from '../../../src/inference/worker/crash-record.ts';

describe('the record of crashes', () => {
  it('the second crash within ten minutes bars an input for ten minutes', () => {
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

  it('a crash is forgotten after ten minutes', () => {
    let nowMs = 0;
    const record = createCrashRecord({ clock: { monotonic: () => nowMs } });
    record.add('a');
    nowMs = 600_000;
    record.add('a');
    expect(record.isBarred('a')).toBe(false);
  });

  it('a crash is forgotten when the process survives the same input', () => {
    const record = createCrashRecord({ clock: { monotonic: () => 0 } });
    record.add('a');
    record.clear('a');
    record.add('a');
    expect(record.isBarred('a')).toBe(false);
  });

  it('the record of crashes is bounded: the oldest inputs are forgotten', () => {
    const record = createCrashRecord({ clock: { monotonic: () => 0 } });
    for (const hash of ['old', 'old', 'kept', 'kept']) record.add(hash);
    for (let index = 0; index < 1023; index += 1) record.add(`other ${index}`);
    expect([record.isBarred('old'), record.isBarred('kept')]).toEqual([false, true]);
  });
});
