import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkNonce, nanoseconds, readSynapseClaim } from '../../src/synapse/headers.ts';
import { createDendrite } from '../fixtures/dendrite.ts';
import { BOB } from '../fixtures/validator.ts';

const NONCE = 1_745_850_000_123_456_789n;

beforeAll(async () => {
  await cryptoWaitReady();
});

const headersOf = (changes: Record<string, string | undefined> = {}, timeout = '9.0') => ({
  ...createDendrite('//Alice').sign({ nonce: NONCE, timeout }),
  ...changes,
});
const read = (changes?: Record<string, string | undefined>, timeout?: string) =>
  readSynapseClaim(headersOf(changes, timeout), 'ImageSynapse', BOB);
const codeOf = (act: () => unknown) => {
  try {
    act();
    return 'OK';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('the headers of a dendrite', () => {
  it('the headers of a dendrite are read with every digit of the nonce', () => {
    const claim = read();
    expect(claim).toMatchObject({ nonce: NONCE, timestampMs: 1_745_850_000_123, timeoutMs: 9_000 });
    expect(claim.echo.bt_header_dendrite_nonce).toBe('1745850000123456789');
  });

  it.each([
    ['timeout', 'None'],
    ['timeout', '-1.0'],
    ['timeout', 'inf'],
    ['name', 'VideoSynapse'],
    ['bt_header_dendrite_nonce', '1.7e18'],
    ['bt_header_dendrite_nonce', '-1'],
    ['bt_header_dendrite_nonce', '99999999999999999999'],
    ['bt_header_dendrite_nonce', undefined],
    ['bt_header_dendrite_uuid', 'x'],
    ['bt_header_dendrite_uuid', undefined],
    ['bt_header_dendrite_hotkey', 'Alice'],
    ['bt_header_dendrite_hotkey', undefined],
    ['bt_header_dendrite_signature', '0x00'],
    ['bt_header_dendrite_ip', 'a\tb'],
    ['bt_header_dendrite_version', 'nine'],
    ['computed_body_hash', 'None'],
    ['computed_body_hash', undefined],
  ])('the headers of a dendrite with %s = %s are malformed', (name, value) => {
    expect(codeOf(() => read({ [name]: value }))).toBe('AXON_HEADER_INVALID');
  });

  it.each([undefined, '712', '7001999'])(
    'the headers of a dendrite of SDK version %s have a nonce that is not a time',
    (version) => {
      expect(codeOf(() => read({ bt_header_dendrite_version: version }))).toBe('AXON_VERSION_UNKNOWN');
    },
  );

  it('the headers of a dendrite of SDK 7.2.0 are the first that are served', () => {
    expect(codeOf(() => read({ bt_header_dendrite_version: '7002000' }))).toBe('OK');
  });

  it('the headers of a dendrite without a signature, or for another axon, are refused', () => {
    expect(codeOf(() => read({ bt_header_dendrite_signature: undefined }))).toBe('AXON_SIGNATURE_MISMATCH');
    const other = createDendrite('//Charlie').address;
    expect(codeOf(() => read({ bt_header_axon_hotkey: other }))).toBe('AXON_WRONG_RECEIVER');
  });

  it.each([
    ['9.0', 13_000],
    ['0.25', 4_250],
    ['1000000000.0', 64_000],
    ['1e+300', 64_000],
  ])('the headers of a dendrite with a timeout of %s may be as old as %i ms', (timeout, windowMs) => {
    expect(read({}, timeout).windowMs).toBe(windowMs);
  });

  it('the headers of a dendrite without a timeout may be 4 s old', () => {
    expect(read({ timeout: undefined })).toMatchObject({ windowMs: 4_000 });
  });
});

describe('a nonce', () => {
  const at = (offsetNs: bigint) => codeOf(() => checkNonce(read(), NONCE + offsetNs, 60_000));

  it('a nonce is fresh until the last nanosecond of its window, and stale at its end', () => {
    expect(at(13_000_000_000n - 1n)).toBe('OK');
    expect(at(13_000_000_000n)).toBe('AXON_STALE');
  });

  it('a nonce may be dated ahead as far as the tolerance', () => {
    expect(at(-2_000_000_000n)).toBe('OK');
    expect(at(-60_000_000_000n)).toBe('OK');
    expect(at(-60_000_000_001n)).toBe('AXON_FUTURE');
  });

  it('a nonce is compared with a clock of milliseconds', () => {
    expect(nanoseconds(1_745_850_000_123)).toBe(1_745_850_000_123_000_000n);
    expect(nanoseconds(0.25)).toBe(250_000n);
  });
});
