import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AxonCall } from '../../../src/chain/axon-call.ts';
import type { Chain } from '../../../src/chain/chain.ts';
import { createMetadataCache } from '../../../src/chain/link/metadata-cache.ts';
import { type ChainSession, openChainSession } from '../../../src/chain/link/session.ts';
import { createReader, type SubtensorReader } from '../../../src/chain/reader.ts';
import { parsePoolRefusal } from '../../../src/chain/serve-axon-refusals.ts';
import { readDispatchError, submitServeAxon } from '../../../src/chain/submit-serve-axon.ts';
import { createDevnet } from '../../../src/devnet/node.ts';
import { MinerError } from '../../../src/errors.ts';
import { ipv4ToInteger } from '../../../src/net/ipv4.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { BLOCK_TIME_MS } from '../../fixtures/devnet.ts';
import { developmentKey } from '../../fixtures/keys.ts';
import { until } from '../../fixtures/until.ts';
import { openChain } from '../fixture.ts';

/** A node on which //Bob is registered and //Dave is not; its subnet, which is 34 when absent. */
const { SUBTENSOR_TEST_ENDPOINT: REAL_ENDPOINT, SUBTENSOR_TEST_NETUID: REAL_NETUID = '34' } = process.env;

/** Fifty blocks of twelve seconds, and what the tests themselves take. */
const REAL_TIMEOUT_MS = 900_000;
const logger = createLogger({ level: 'silent' });

const AXON: AxonCall = {
  version: 9_003_000,
  ip: ipv4ToInteger('8.8.8.8'),
  port: 8091,
  ipType: 4,
  protocol: 4,
  placeholder1: 0,
  placeholder2: 0,
};

/** The same for every runtime: what the double promises, the real one keeps. */
function itServes(open: () => Promise<{ url: string; netuid: number }>, timeoutMs: number): void {
  let url: string;
  let netuid: number;
  let session: ChainSession;
  let reader: SubtensorReader;
  let head = 0;
  const bob = developmentKey('Bob');

  beforeAll(async () => {
    ({ url, netuid } = await open());
    session = await openChainSession({
      url,
      genesis: { refused: {} },
      metadataCache: createMetadataCache({ folder: undefined, logger }),
      connectTimeoutMs: 10_000,
      callTimeoutMs: 20_000,
      judgeHead: () => undefined,
      signal: new AbortController().signal,
      onHead: (block) => {
        head = block;
      },
      onCallbackError: () => undefined,
    });
    reader = createReader({ session, netuid, hotkey: bob.address });
  }, timeoutMs);
  afterAll(async () => {
    session.socket.end(new MinerError('INTERNAL', 'the tests are over'));
    await session.socket.closed;
  });

  /** Resolves once the chain would take an announcement of //Bob's again. */
  async function windowOpen(): Promise<void> {
    const entry = await reader.readAxon();
    const limit = await reader.readServingRateLimitBlocks();
    await until(() => entry === undefined || head > entry.block + limit);
  }

  /** The chain's name for the rule that an announcement breaks; undefined for one that breaks none. */
  async function refusalOf(axon: Partial<AxonCall>, pair = bob): Promise<string | undefined> {
    try {
      const inclusion = await submitServeAxon({
        session,
        pair,
        netuid,
        axon: { ...AXON, ...axon },
        inclusionTimeoutMs: 60_000,
      });
      return await readDispatchError(session, inclusion);
    } catch (error) {
      const refusal = parsePoolRefusal(error);
      if (refusal === undefined) throw error;
      return refusal.name;
    }
  }

  // Later runtimes refuse in the pool, earlier ones in the block, and by other names.
  it.each<[string, Partial<AxonCall>, readonly string[]]>([
    ['an address that leads nowhere', { ip: ipv4ToInteger('127.0.0.1') }, ['InvalidIpAddress']],
    ['an address of all ones', { ip: ipv4ToInteger('255.255.255.255') }, ['InvalidIpAddress']],
    ['an unknown kind of address', { ipType: 5 }, ['BadRequest', 'InvalidIpType']],
    ['port 0', { port: 0 }, ['InvalidPort']],
  ])(
    'refuses %s',
    async (_what, axon, names) => {
      await windowOpen();
      expect(names).toContain(await refusalOf(axon));
    },
    timeoutMs,
  );

  it(
    'refuses a hotkey that is not registered',
    async () => {
      const names = ['HotKeyNotRegisteredInNetwork', 'HotKeyNotRegisteredInSubNet'];
      expect(names).toContain(await refusalOf({}, developmentKey('Dave')));
    },
    timeoutMs,
  );

  it(
    'stores an announcement, shows it, makes it final, and takes no other within the window',
    async () => {
      const { port: former } = (await reader.readAxon()) ?? { port: 0 };
      const port = former === 8091 ? 8092 : 8091;
      await windowOpen();
      const chain: Chain = openChain([url], { netuid });
      await until(() => chain.registration.state === 'registered' && chain.signersKnown);
      expect(chain.signer(bob.address)?.uid).toBe(await reader.readUid());
      chain.announce({ ip: '8.8.8.8', port });
      await until(() => chain.announcement.state === 'announced' && chain.announcement.finalized);
      expect(await reader.readAxon()).toMatchObject({ ...AXON, port });
      if ((await reader.readServingRateLimitBlocks()) > 0) {
        expect(await refusalOf({ port: port + 100 })).toBe('ServingRateLimitExceeded');
      }

      const again = openChain([url], { netuid });
      const states: string[] = [];
      again.on('announcement', ({ state }) => states.push(state));
      again.announce({ ip: '8.8.8.8', port });
      await until(() => again.announcement.state === 'announced');
      expect(states).not.toContain('submitted');
    },
    timeoutMs,
  );
}

describe('the devnet', () => {
  let close: (() => Promise<void>) | undefined;
  itServes(async () => {
    const devnet = await createDevnet({
      host: '127.0.0.1',
      port: 0,
      netuid: 34,
      blockTimeMs: BLOCK_TIME_MS,
      servingRateLimitBlocks: 20,
    });
    ({ close } = devnet);
    return { url: devnet.url, netuid: 34 };
  }, 30_000);
  afterAll(() => close?.());
});

describe.skipIf(REAL_ENDPOINT === undefined)('the node of SUBTENSOR_TEST_ENDPOINT', () => {
  itServes(async () => ({ url: REAL_ENDPOINT ?? '', netuid: Number(REAL_NETUID) }), REAL_TIMEOUT_MS);
});
