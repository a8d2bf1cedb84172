import { describe, expect, it } from 'vitest';
import { createBlockClock } from '../../../src/chain/link/block-clock.ts';
import { openDevnet } from '../../fixtures/devnet.ts';
import { createMovableClock } from '../../fixtures/manual-clock.ts';
import { until } from '../../fixtures/until.ts';
import { openChain } from '../fixture.ts';

describe('the offset of our clock against the blocks', () => {
  it.each([
    ['no block was seen', [], undefined],
    ['blocks take a second or two', [2_400, 900, 1_800], 0],
    ['blocks seem to come from the future: we are behind', [-5_000, -2_600, -4_000], -5_000],
    ['even the fastest block seems old: we are ahead', [9_000, 8_000, 11_000], 5_000],
    ['our clock was set right since', [9_000, 9_000, 1_000], 0],
    ['our clock was set wrong ten blocks ago', [1_000, ...new Array<number>(10).fill(9_000)], 6_000],
  ])('when %s', (_when, delaysMs, offsetMs) => {
    const clock = createBlockClock();
    for (const delayMs of delaysMs) clock.learn(1_000_000, 1_000_000 + delayMs);
    expect(clock.offsetMs).toBe(offsetMs);
  });

  it('the offset of our clock is learnt from the blocks', async () => {
    const devnet = await openDevnet();
    const clock = createMovableClock();
    clock.moveMs(-10_000);
    const chain = openChain([devnet.url], { clock });
    expect(chain.clockOffsetMs).toBeUndefined();
    await until(() => chain.clockOffsetMs !== undefined);
    expect(chain.clockOffsetMs).toBeLessThan(-9_000);
    expect(chain.clockOffsetMs).toBeGreaterThan(-11_000);
  });
});
