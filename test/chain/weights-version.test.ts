import { describe, expect, it } from 'vitest';
import type { SubtensorReader } from '../../src/chain/reader.ts';
import { createWeightsVersionWatch } from '../../src/chain/validator-release.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { openDevnet } from '../fixtures/devnet.ts';
import { until } from '../fixtures/until.ts';
import { openChain } from './fixture.ts';

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
