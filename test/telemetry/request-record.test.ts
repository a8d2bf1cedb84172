import { describe, expect, it } from 'vitest';
import { startRecord } from '../../src/telemetry/request-record.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

describe('the record of a request', () => {
  it('the record of a request has the time of each step that was reached, also of a failed one', async () => {
    const clock = createManualClock(1_000);
    const record = startRecord('/detect_image', '1.1.1.1', clock);
    const during = async (ms: number) => clock.advance(ms);
    await record.step('authenticate', () => during(1.26));
    const failing = record.step('body', async () => {
      await during(20);
      throw new Error('gone');
    });
    await expect(failing).rejects.toThrow('gone');
    record.took('wait', 3);
    expect(record.elapsedMs()).toBeCloseTo(21.26);
    record.note({ bytes: 5 });
    expect(record.finish(400, 'AXON_BODY_ABORTED')).toEqual({
      route: '/detect_image',
      address: '1.1.1.1',
      arrivedAtMs: 1_000,
      validator: undefined,
      claimedHotkey: undefined,
      bytes: 5,
      status: 400,
      code: 'AXON_BODY_ABORTED',
      stepsMs: { authenticate: 1.3, body: 20, wait: 3 },
      totalMs: 21.3,
      spareMs: undefined,
    });
  });

  it('the record of a request cannot be changed once it is finished', () => {
    const builder = startRecord('/', '1.1.1.1', createManualClock());
    const record = builder.finish(200, 'OK');
    builder.took('infer', 5);
    builder.note({ bytes: 7 });
    expect(record).toMatchObject({ bytes: 0, stepsMs: {} });
    expect(Object.isFrozen(record) && Object.isFrozen(record.stepsMs)).toBe(true);
  });
});
