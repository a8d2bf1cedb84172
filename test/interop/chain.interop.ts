import { describe, expect, it } from 'vitest';
import type { AxonAddress } from '../../src/chain/axon-call.ts';
import type { Devnet } from '../../src/devnet/node.ts';
import { decodeExtrinsic } from '../../src/devnet/runtime/extrinsic.ts';
import { openChain } from '../chain/fixture.ts';
import { NETUID, openDevnet } from '../fixtures/devnet.ts';
import { alice, bob, charlie, dave } from '../fixtures/keys.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { runPython } from './python.ts';
import { pythonOf } from './python-environments.ts';

/** The announcements that the SDK makes: with `Subtensor`, then with `AsyncSubtensor`. */
const SERVED = [
  { uri: '//Alice', ip: '198.51.101.7', integer: 0xc6336507n, port: 8092 },
  { uri: '//Charlie', ip: '9.8.7.6', integer: 0x09080706n, port: 65_534 },
] as const;
/** What our client announces last: the SDK reads it back. */
const LAST = { ip: '203.0.114.77', port: 40_001 };
/** The same as the SDK, the least, the greatest, and some in between. */
const ADDRESSES: readonly AxonAddress[] = [
  ...SERVED.map(({ ip, port }) => ({ ip, port })),
  { ip: '8.8.8.8', port: 8091 },
  { ip: '1.0.0.1', port: 1 },
  { ip: '255.255.255.254', port: 65_535 },
  { ip: '128.0.0.0', port: 256 },
  LAST,
];
/** The version in our announcements: that of the SDK which validators pin. */
const VERSION = 9_003_000;

const SDKS = [
  { sdk: 'sdk-9', script: 'chain.py', version: '9.3.0', ownVersion: 9_003_000, subnet: undefined },
  { sdk: 'sdk-10', script: 'chain.py', version: '10.5.0', ownVersion: 10_005_000, subnet: undefined },
  {
    sdk: 'sdk-11',
    script: 'chain_11.py',
    version: '11.3.0',
    // It leaves the version to the software that announces.
    ownVersion: 1,
    subnet: { symbol: 'י', burnTao: 0.1, owner: bob, stakeTao: 1_000_000, commitments: 0 },
  },
] as const;

interface Answer {
  readonly block: number;
  readonly registered: readonly boolean[];
  readonly uid: readonly (number | null)[];
  readonly stored: Readonly<Record<string, number>>;
  readonly axons: Readonly<Record<string, { ip: string; port: number; serving: boolean }>>;
  readonly hotkeys: readonly string[];
  readonly stakes: readonly number[];
  readonly permits: readonly boolean[];
  readonly calls: readonly string[];
  readonly served: boolean;
  /** What SDK 11 alone reads. */
  readonly subnet?: Readonly<Record<string, string | number>>;
}
type Answers = { readonly sdk: string } & Readonly<Record<'sync' | 'async', Answer>>;

/** The bytes of the call that a hotkey announced itself with last, as they stand in the block. */
function announcedCall(devnet: Devnet, hotkey: string): string {
  const block = devnet.state.byNumber(devnet.axonOf(hotkey)?.block ?? 0);
  // The first extrinsic of a block sets the time.
  const own = block?.extrinsics
    .slice(1)
    .map((bytes) => decodeExtrinsic(bytes))
    .find(({ signer }) => signer === hotkey);
  return `0x${Buffer.from(own?.signed.call ?? []).toString('hex')}`;
}

/** The same call with another version, which stands behind the numbers of the call and the subnet, two bytes each. */
function withVersion(call: string, version: number): string {
  const bytes = Buffer.from(call.slice(2), 'hex');
  bytes.writeUInt32LE(version, 4);
  return `0x${bytes.toString('hex')}`;
}

/** Announces each address with our client, one after the other; gives the calls that got into blocks. */
async function announceAll(devnet: Devnet): Promise<string[]> {
  const chain = openChain([devnet.url]);
  const calls: string[] = [];
  for (const { ip, port } of ADDRESSES) {
    chain.announce({ ip, port });
    await until(() => {
      const { announcement } = chain;
      return announcement.state === 'announced' && announcement.ip === ip && announcement.port === port;
    });
    calls.push(announcedCall(devnet, bob));
  }
  await chain.close();
  return calls;
}

describe.each(SDKS)('the clients of the chain in $sdk', ({ sdk, script, version, ownVersion, subnet }) => {
  // Left out, since the devnet has no such storage and a miner no use for it: hyperparameters, weights and bonds, balances,
  // commitments, certificates (`serve_axon_tls`) and registration itself.
  describe.skipIf(pythonOf(sdk).missing)(`with the Python environment ${sdk}`, () => {
    it('the SDK reads our announcement, encodes our bytes, and announces itself', async () => {
      const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
      const ourCalls = await announceAll(devnet);
      const announcedAt = devnet.axonOf(bob)?.block;
      const before = devnet.blockNumber;
      const home = temporaryFolderPath();
      const answers = await runPython<Answers>(sdk, script, {
        home,
        endpoint: devnet.url,
        netuid: NETUID,
        hotkey: bob,
        stranger: dave,
        version: VERSION,
        axons: ADDRESSES,
        serve: SERVED.map(({ uri, ip, port }) => ({ uri, ip, port })),
      });

      expect(answers.sdk).toBe(version);
      for (const { block, ...answer } of [answers.sync, answers.async]) {
        expect(block).toBeGreaterThanOrEqual(before);
        expect(block).toBeLessThanOrEqual(devnet.blockNumber);
        const axon = { ...LAST, serving: true };
        expect(answer).toEqual({
          registered: [true, false],
          uid: [1, null],
          stored: {
            block: announcedAt,
            version: VERSION,
            ip: 0xcb00724d,
            port: LAST.port,
            ip_type: 4,
            protocol: 4,
            placeholder1: 0,
            placeholder2: 0,
          },
          axons: { neuron: axon, metagraph: axon },
          hotkeys: [alice, bob, charlie],
          stakes: [1_000_000, 0, 100],
          permits: [true, false, false],
          calls: ourCalls,
          served: true,
          subnet,
        });
      }

      for (const [index, hotkey] of [alice, charlie].entries()) {
        expect(devnet.axonOf(hotkey)).toMatchObject({
          version: ownVersion,
          ip: SERVED[index]?.integer,
          port: SERVED[index]?.port,
          ipType: 4,
          protocol: 4,
          placeholder1: 0,
          placeholder2: 0,
        });
        expect(announcedCall(devnet, hotkey)).toBe(withVersion(ourCalls[index] ?? '', ownVersion));
      }
    });
  });
});
