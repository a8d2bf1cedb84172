import { describe, expect, it, onTestFinished } from 'vitest';
import type { AddressProblem } from '../../src/chain/announcement.ts';
import type { AxonAddress } from '../../src/chain/axon-call.ts';
import { systemClock } from '../../src/clock.ts';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import { followExternalAddress } from '../../src/miner/external-address.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { until } from '../fixtures/until.ts';

const PACE = { firstRetryMs: 1, longestRetryMs: 4, lookAgainMs: 1, confirmMs: 1 };

/** A miner on a public network, whose address sources say in turn what the test gives, and the last of it for ever. */
function follow(addresses: readonly (string | undefined)[], env: Record<string, string> = {}) {
  const loaded = loadSettings({
    flags: parseFlags([]),
    env: { NETWORK: 'finney', AXON_EXTERNAL_PORT: '9000', ...env },
    file: undefined,
  });
  const announced: AxonAddress[] = [];
  const problems: AddressProblem[] = [];
  const { logger, lines } = createCapturingLogger();
  const stop = new AbortController();
  let looks = 0;
  let asked = 0;
  const following = followExternalAddress(resolveConfig(loaded, { dev: false, root: '/' }), {
    chain: {
      announce: (address) => announced.push(address),
      lackAddress: (problem) => problems.push(problem),
    },
    logger,
    clock: systemClock,
    signal: stop.signal,
    pace: PACE,
    // All five sources are asked at each look.
    fetch: async () => {
      looks = Math.floor(asked / 5);
      asked += 1;
      const address = addresses[Math.min(looks, addresses.length - 1)];
      return address === undefined ? new Response('', { status: 503 }) : new Response(address);
    },
  });
  onTestFinished(async () => {
    stop.abort();
    await following;
  });
  return { announced, problems, lines, looks: () => looks };
}

describe('the announced address', () => {
  it('the announced address is announced once while it stays, with the external port', async () => {
    const { announced, looks } = follow(['8.8.8.8']);
    await until(() => looks() > 5);
    expect(announced).toEqual([{ ip: '8.8.8.8', port: 9000 }]);
  });

  it('the announced address follows the address of the host', async () => {
    const { announced, lines } = follow(['8.8.8.8', '8.8.8.8', '8.8.4.4']);
    await until(() => announced.length === 2);
    expect(announced[1]).toEqual({ ip: '8.8.4.4', port: 9000 });
    expect(lines().filter(({ msg }) => msg === 'external address changed')).toMatchObject([
      { ip: '8.8.4.4', formerIp: '8.8.8.8' },
    ]);
  });

  it('the announced address does not follow an address that was found only once', async () => {
    const { announced, looks } = follow(['8.8.8.8', '8.8.4.4', '8.8.8.8', '9.9.9.9', '8.8.8.8']);
    await until(() => looks() > 8);
    expect(announced).toHaveLength(1);
  });

  it('the announced address stays while no source answers, and is looked up until there is one', async () => {
    const { announced, looks, lines } = follow([undefined, undefined, '8.8.8.8', undefined]);
    await until(() => looks() > 6);
    expect(announced).toEqual([{ ip: '8.8.8.8', port: 9000 }]);
    expect(lines().filter(({ level }) => level === 'error')).toHaveLength(2);
  });

  it('a missing address is reported with the reason and the time of the next look, until it is found', async () => {
    const { announced, problems } = follow([undefined, '8.8.8.8']);
    await until(() => announced.length === 1);
    expect(problems).toEqual([
      {
        code: 'CHAIN_NO_EXTERNAL_IP',
        reason: expect.stringContaining('no source told'),
        retryAtMs: expect.any(Number),
      },
    ]);
  });

  it.each(['finney', 'test'])(
    'the announced address is looked up on the internet for %s, also if the only endpoint is a node on this host',
    async (NETWORK) => {
      const { announced } = follow(['8.8.8.8'], { NETWORK, CHAIN_ENDPOINT: 'ws://127.0.0.1:9944' });
      await until(() => announced.length === 1);
      expect(announced).toEqual([{ ip: '8.8.8.8', port: 9000 }]);
    },
  );
});
