import { describe, expect, it } from 'vitest';
import { toNeurons } from '../../src/chain/reader.ts';
import { alice, bob } from '../fixtures/keys.ts';

const ANSWER = {
  hotkeys: [alice, bob],
  validatorPermit: [true, false],
  totalStake: [1_500_000_000, '0x0de0b6b3a7640000'],
};

describe('the table of a subnet', () => {
  it('the neurons of a subnet have uid, stake in TAO and permit', () => {
    expect([...toNeurons(ANSWER)]).toEqual([
      [alice, { uid: 0, stakeTao: 1.5, permit: true }],
      [bob, { uid: 1, stakeTao: 1_000_000_000, permit: false }],
    ]);
  });

  it.each([
    ['a permit too few', { validatorPermit: [true] }, 'the columns of the metagraph differ in length'],
    ['a stake too many', { totalStake: [1, 2, 3] }, 'the columns of the metagraph differ in length'],
    [
      'a hotkey that is none',
      { hotkeys: [alice, '<script>'] },
      'unexpected answer: is not an SS58 address at hotkeys.1',
    ],
    [
      'a stake that is no number',
      { totalStake: [1, [2]] },
      'unexpected answer: is not a whole number at totalStake.1',
    ],
  ])('is not believed with %s', (_what, change, message) => {
    expect(() => toNeurons({ ...ANSWER, ...change })).toThrow(
      expect.objectContaining({ code: 'CHAIN_ENDPOINT_UNTRUSTED', message }),
    );
  });
});
