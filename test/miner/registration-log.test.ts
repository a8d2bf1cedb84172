import { expect, it } from 'vitest';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import { logRegistration } from '../../src/miner/registration-log.ts';
import { openChain } from '../chain/fixture.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { openDevnet } from '../fixtures/devnet.ts';
import { bob, dave } from '../fixtures/keys.ts';
import { until } from '../fixtures/until.ts';

it('a deregistration is one error line that says what happened and what to do', async () => {
  const devnet = await openDevnet();
  const { logger, lines } = createCapturingLogger();
  const loaded = loadSettings({
    flags: parseFlags([]),
    env: { CHAIN_ENDPOINT: devnet.url },
    file: undefined,
  });
  const chain = openChain([devnet.url]);
  logRegistration(resolveConfig(loaded, { dev: false, root: '/' }), bob, chain, logger);
  const said = () => lines().filter(({ msg }) => String(msg).includes('registered'));
  await until(() => chain.registration.state === 'registered');
  devnet.deregister(bob);
  await until(() => chain.registration.state === 'deregistered');
  const block = devnet.blockNumber;
  await until(() => devnet.blockNumber > block + 30);
  devnet.register(dave);
  devnet.register(bob);
  await until(() => chain.registration.state === 'registered');

  expect(said()).toMatchObject([
    { level: 'info', msg: 'registered on the subnet', uid: 1 },
    {
      level: 'error',
      msg: 'no longer registered on the subnet',
      code: 'CHAIN_NOT_REGISTERED',
      notice: expect.stringMatching(
        /was deregistered on subnet 34 of local: its uid 1 belongs to 5\w+ now.*btcli subnets register/,
      ),
    },
    { level: 'warn', msg: 'registered at another uid', uid: 3, movedFromUid: 1 },
  ]);
});
