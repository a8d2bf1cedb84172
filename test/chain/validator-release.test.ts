import { describe, expect, it } from 'vitest';
import type { SubtensorReader } from '../../src/chain/reader.ts';
import {
  createWeightsVersionWatch,
  describeValidators,
  readWeightsVersion,
} from '../../src/chain/validator-release.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { openDevnet } from '../fixtures/devnet.ts';
import { until } from '../fixtures/until.ts';
import { openChain } from './fixture.ts';

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

describe('the weights version of the subnet', () => {
  it('the weights version is read at the start, and stays known while the chain is away', async () => {
    const devnet = await openDevnet();
    const { logger, lines } = createCapturingLogger();
    const chain = openChain([devnet.url], { logger });
    expect(chain.status().weightsVersion).toBeNull();
    await until(() => chain.status().weightsVersion !== null);
    expect(chain.status().weightsVersion).toEqual({ value: 303_010, release: '3.3.1', asksAxons: true });

    devnet.setWeightsVersion(409_090);
    await until(() => chain.status().weightsVersion?.value === 409_090);
    expect(chain.status().weightsVersion).toMatchObject({ release: '4.9.9', asksAxons: false });
    const said = lines().filter(({ weightsVersion }) => weightsVersion !== undefined);
    expect(said.map(({ level, weightsVersion }) => [level, weightsVersion])).toEqual([
      ['info', 303_010],
      ['warn', 409_090],
    ]);

    await devnet.close();
    await until(() => chain.status().connection.state === 'down');
    expect(chain.status().weightsVersion).toMatchObject({ value: 409_090 });
  });

  it('a weights version that cannot be read keeps its last value, and a runtime without it is no failure', async () => {
    const { logger, lines } = createCapturingLogger();
    let answer: () => Promise<number | undefined> = async () => undefined;
    const reader = { readWeightsVersion: () => answer() } as SubtensorReader;
    const watch = createWeightsVersionWatch({ reader: () => reader, logger });
    await watch.refresh();
    expect([watch.current, lines()]).toEqual([undefined, []]);

    answer = async () => 303_010;
    await watch.refresh();
    answer = () => Promise.reject(new Error('no'));
    await watch.refresh();
    expect(watch.current).toMatchObject({ value: 303_010 });
    expect(lines().at(-1)).toMatchObject({ level: 'warn', code: 'CHAIN_CALL_FAILED' });
  });
});
