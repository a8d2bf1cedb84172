import { expect, it } from 'vitest';
import { BLOCK_TIME_MS, openDevnet } from '../../fixtures/devnet.ts';
import { until } from '../../fixtures/until.ts';
import { openChain, openProxy } from '../fixture.ts';

it('a node that repeats its head is left like one without new heads', async () => {
  const devnet = await openDevnet();
  let isStuck = false;
  let last: string | undefined;
  const { url } = await openProxy(devnet.url, {
    answer: () => undefined,
    tell: (message) => {
      if (!message.includes('"chain_newHead"')) return message;
      if (!isStuck || last === undefined) last = message;
      return last;
    },
  });
  const chain = openChain([url], { blockWatchdogMs: 20 * BLOCK_TIME_MS });
  await until(() => chain.status().connection.state === 'connected');
  isStuck = true;
  await until(() => chain.status().connection.state === 'down');
  expect(chain.status().lastFailure?.reason).toContain('no new block');
});
