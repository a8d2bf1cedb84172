import { describe, expect, it } from 'vitest';
import { checkFreshness, readClaim } from '../../src/epistula/headers.ts';
import { MinerError } from '../../src/errors.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const VALID = {
  'epistula-version': '2',
  'epistula-timestamp': '1752969600123',
  'epistula-uuid': '3f0c7b54-6a0d-4c0b-9d6e-0d7f5b2a9e11',
  'epistula-signed-by': ALICE,
  'epistula-signed-for': BOB,
  'epistula-request-signature': `0x${'ab'.repeat(64)}`,
};

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MinerError) return error.code;
    throw error;
  }
  return 'none';
}
const codeWith = (headers: Record<string, string | undefined>) =>
  codeOf(() => readClaim({ ...VALID, ...headers }, BOB));

describe('the headers of a signed request', () => {
  it('the headers of an Epistula request are read as they stand', () => {
    expect(readClaim(VALID, BOB)).toEqual({
      timestampMs: 1_752_969_600_123,
      timestampText: '1752969600123',
      uuid: VALID['epistula-uuid'],
      hotkey: ALICE,
      signedFor: BOB,
      signature: VALID['epistula-request-signature'],
      secretSignature: undefined,
    });
  });

  it('the headers of an Epistula request need no secret signatures, and a malformed one counts as absent', () => {
    expect(codeWith({ 'epistula-secret-signature-1': '0xzz' })).toBe('none');
    expect(
      readClaim({ ...VALID, 'epistula-secret-signature-1': '0xzz' }, BOB).secretSignature,
    ).toBeUndefined();
  });

  it.each([undefined, '1', '2.0', ' 2', '2, 2'])(
    'an Epistula request of version %s is refused',
    (version) => {
      expect(codeWith({ 'epistula-version': version })).toBe('AXON_VERSION_UNKNOWN');
    },
  );

  it.each([undefined, ALICE, `${BOB}x`])('an Epistula request for the receiver %s is refused', (receiver) => {
    expect(codeWith({ 'epistula-signed-for': receiver })).toBe('AXON_WRONG_RECEIVER');
  });

  it.each([
    [
      'epistula-timestamp',
      ['+123', ' 123', '1_000', '1.5', '1e3', '-1', '', '12345678901234567', 'now', undefined],
    ],
    ['epistula-uuid', ['', 'not-a-uuid', '3f0c7b546a0d4c0b9d6e0d7f5b2a9e11', undefined]],
    ['epistula-signed-by', ['', '0xd43593c7', `${ALICE}, ${ALICE}`, undefined]],
    [
      'epistula-request-signature',
      ['', 'ab'.repeat(64), `0x${'ab'.repeat(63)}`, `0x${'zz'.repeat(64)}`, undefined],
    ],
  ])('an Epistula request with a malformed %s is refused', (name, values) => {
    for (const value of values) expect(codeWith({ [name]: value })).toBe('AXON_HEADER_INVALID');
  });

  it('an Epistula request signs its timestamp in the canonical form', () => {
    expect(readClaim({ ...VALID, 'epistula-timestamp': '007' }, BOB).timestampText).toBe('7');
  });
});

describe('the age of a request', () => {
  const at = 1_752_969_600_123;
  const judge = (arrivedAtMs: number) => codeOf(() => checkFreshness(at, arrivedAtMs, 60_000));

  it('the age of a request may be exactly 8 seconds, not a millisecond more', () => {
    expect(judge(at + 8_000)).toBe('none');
    expect(judge(at + 8_001)).toBe('AXON_STALE');
  });

  it('a request may be dated ahead as far as the tolerance, not a millisecond more', () => {
    expect(judge(at - 60_000)).toBe('none');
    expect(judge(at - 60_001)).toBe('AXON_FUTURE');
  });
});
