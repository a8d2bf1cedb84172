import { describe, expect, it } from 'vitest';
import { describeValidators, readWeightsVersion } from '../../src/chain/validator-release.ts';

const NO_AXONS =
  'since 4.0.0 (2025-08-11) they send no pictures or clips to axons, as far as releases were read (4.9.9 of 2026-08-21)';

describe('a weights version', () => {
  it.each([
    [303_010, '3.3.1', true],
    [409_090, '4.9.9', false],
    [399_990, '3.99.99', true],
    [400_000, '4.0.0', false],
    [1_012_340, '10.12.34', false],
    [200_000, '2.0.0', true],
    [10, '0.0.1', true],
  ])('of %i stands for release %s', (value, release, asksAxons) => {
    expect(readWeightsVersion(value)).toEqual({ value, release, asksAxons });
  });

  it.each([
    ['that is not set', 0, null],
    ['that is a plain number', 7, null],
    ['with a digit that no release has', 303_015, null],
    ['with a digit that no release has, of a later line', 409_095, false],
    ['that is larger than any release', 2 ** 64, false],
  ])('%s stands for no release', (_what, value, asksAxons) => {
    expect(readWeightsVersion(value)).toEqual({ value, release: null, asksAxons });
  });

  it.each([
    [
      303_010,
      "the subnet's weights_version is 303010: validators run 3.3.1 or later; releases before 4.0.0 send pictures and clips to axons",
    ],
    [409_090, `the subnet's weights_version is 409090: validators run 4.9.9 or later; ${NO_AXONS}`],
    [409_095, `the subnet's weights_version is 409095: validators run 4.0.0 or later; ${NO_AXONS}`],
    [0, 'the subnet sets no weights_version, so the chain does not tell which release validators run'],
    [303_015, "the subnet's weights_version is 303015, which stands for no release"],
  ])('of %i is said in words', (value, words) => {
    expect(describeValidators(readWeightsVersion(value))).toBe(words);
  });
});
