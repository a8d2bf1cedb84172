import { describe, expect, it } from 'vitest';
import { type ErrorCode, MinerError } from '../../src/errors.ts';
import { createRequestLog } from '../../src/telemetry/request-log.ts';
import { startRecord } from '../../src/telemetry/request-record.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

const VALIDATOR = { hotkey: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY', uid: 7 };

function setUp() {
  const clock = createManualClock();
  const { logger, lines } = createCapturingLogger();
  const log = createRequestLog({ logger, clock });
  const add = (validator: typeof VALIDATOR | undefined, error?: MinerError) => {
    const record = startRecord('/detect_image', '1.1.1.1', clock);
    record.note({ validator, claimedHotkey: VALIDATOR.hotkey });
    log.add(record.finish(error?.status ?? 200, error?.code ?? 'OK'), error);
  };
  const refuse = (code: ErrorCode = 'AXON_SIGNER_UNKNOWN') => add(undefined, new MinerError(code, 'refused'));
  return { clock, lines, log, add, refuse };
}

describe('the request log', () => {
  it('the request log writes a line for each validator, with the remedy if the miner is at fault', () => {
    const { add, lines } = setUp();
    add(VALIDATOR);
    add(VALIDATOR, new MinerError('MEDIA_UNDECODABLE', 'broken'));
    add(VALIDATOR, new MinerError('INFERENCE_FAILED', 'no', { cause: new Error('why') }));
    expect(lines()).toMatchObject([
      { level: 'info', msg: 'request answered', uid: 7, hotkey: VALIDATOR.hotkey, code: 'OK' },
      { level: 'info', msg: 'request refused', uid: 7, reason: 'broken', status: 422 },
      { level: 'error', msg: 'request failed', uid: 7, err: { message: 'why' }, remedy: expect.any(String) },
    ]);
  });

  it('the request log names no validator if the signature was not verified', () => {
    const { refuse, lines } = setUp();
    refuse('AXON_SIGNATURE_MISMATCH');
    expect(lines()[0]).toMatchObject({ claimedHotkey: VALIDATOR.hotkey });
    expect(lines()[0]).not.toHaveProperty('hotkey');
    expect(lines()[0]).not.toHaveProperty('uid');
  });

  it('the request log is not flooded by unverified requests, counts them all, and never leaves out a validator', () => {
    const { refuse, add, lines, log, clock } = setUp();
    for (let index = 0; index < 1_000; index++) refuse();
    for (let index = 0; index < 50; index++) refuse('AXON_BUSY');
    const written = lines().length;
    expect(written).toBeLessThan(50);
    add(VALIDATOR);
    expect(lines()).toHaveLength(written + 1);
    clock.advance(11_000);
    refuse();
    expect(lines().at(-2)).toMatchObject({ suppressed: 1_050 - written });
    expect(log.summary()).toMatchObject({
      total: 1_052,
      byCode: { AXON_SIGNER_UNKNOWN: 1_001, AXON_BUSY: 50, OK: 1 },
    });
  });

  it('the request log keeps the newest verified requests only', () => {
    const { add, refuse, log, clock } = setUp();
    expect(log.summary()).toMatchObject({
      lastVerifiedAtMs: undefined,
      lastVerifiedAgeMs: undefined,
      recent: [],
    });
    for (let index = 0; index < 30; index++) {
      clock.advance(1_000);
      add(VALIDATOR);
    }
    const newest = clock.now();
    clock.advance(1_000);
    refuse();
    const { recent, lastVerifiedAtMs, lastVerifiedAgeMs } = log.summary();
    expect(lastVerifiedAgeMs).toBe(1_000);
    expect(lastVerifiedAtMs).toBe(newest);
    expect(recent).toHaveLength(20);
    expect(recent[0]?.arrivedAtMs).toBe(newest);
  });
});
