import { readFileSync } from 'node:fs';
import { u8aToHex } from '@polkadot/util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BLOCK_TIME_KEY, type HeadJudge } from '../../../src/chain/link/head-age.ts';
import type { MetadataCache } from '../../../src/chain/link/metadata-cache.ts';
import { parse } from '../../../src/chain/link/node-answers.ts';
import { type ChainSession, openChainSession } from '../../../src/chain/link/session.ts';
import { createReader } from '../../../src/chain/reader.ts';
import { MinerError } from '../../../src/errors.ts';
import { displayEndpoint } from '../../../src/net/display-endpoint.ts';
import { NETUID, openDevnet } from '../../fixtures/devnet.ts';
import { alice, bob } from '../../fixtures/keys.ts';

/** Metadata of finney as a node answers it, where somebody has it. */
const { FINNEY_METADATA_FILE } = process.env;
/** The announcement of 8.8.8.8:8091 on netuid 34 by version 10.2.0 of the SDK. */
const SERVE_AXON = '0x07042200509e9800080808080000000000000000000000009b1f04040000';

function encodeServeAxon({ api }: ChainSession): string | undefined {
  const call = api.tx.subtensorModule?.serveAxon?.(34, 10_002_000, 0x08080808n, 8091, 4, 4, 0, 0);
  return call?.method.toHex();
}

async function open(
  url: string,
  metadata: MetadataCache = new Map(),
  judgeHead: HeadJudge = () => undefined,
): Promise<ChainSession> {
  return await openChainSession({
    url,
    genesis: { expected: undefined, refused: {} },
    metadataCache: metadata,
    connectTimeoutMs: 5_000,
    callTimeoutMs: 5_000,
    judgeHead,
    signal: new AbortController().signal,
    onHead: () => undefined,
    onCallbackError: () => undefined,
  });
}

async function end({ socket }: ChainSession): Promise<void> {
  socket.end(new MinerError('INTERNAL', 'the test is over'));
  await socket.closed;
}

describe('a session', () => {
  it('a session encodes serve_axon byte for byte as mainnet does', async () => {
    const session = await open((await openDevnet()).url);
    expect(encodeServeAxon(session)).toBe(SERVE_AXON);
    await end(session);
  });

  it.skipIf(FINNEY_METADATA_FILE === undefined)(
    'a session encodes the same serve_axon with the metadata of finney',
    async () => {
      const metadata = u8aToHex(readFileSync(FINNEY_METADATA_FILE ?? '/dev/null'));
      const session = await open((await openDevnet()).url, {
        get: () => metadata,
        set: () => undefined,
        clear: () => undefined,
      });
      expect(encodeServeAxon(session)).toBe(SERVE_AXON);
      expect(session.api.call.subnetInfoRuntimeApi?.getSelectiveMetagraph).toBeDefined();
      const { incentive, immunityPeriod, keys, subnetworkN, axons } = session.api.query.subtensorModule ?? {};
      expect([incentive, immunityPeriod, keys, subnetworkN, axons]).not.toContain(undefined);
      await end(session);
    },
  );

  it('the metadata of a runtime are loaded only once', async () => {
    const { url } = await openDevnet();
    const metadata = new Map<string, `0x${string}`>();
    const first = await open(url, metadata);
    expect([...metadata.keys()]).toEqual([`${first.genesisHash}-${first.specVersion}`]);
    await end(first);

    const set = metadata.set.bind(metadata);
    let loads = 0;
    metadata.set = (key, value) => {
      loads += 1;
      return set(key, value);
    };
    const second = await open(url, metadata);
    expect(loads).toBe(0);
    const reader = createReader({ session: second, netuid: NETUID, hotkey: bob });
    expect((await reader.readNeurons()).get(alice)).toMatchObject({ permit: true });
    await end(second);
  });

  it('neurons come from the subnet state if the runtime lacks the selective metagraph', async () => {
    const session = await open((await openDevnet()).url);
    const getSubnetState = session.api.call.subnetInfoRuntimeApi?.getSubnetState;
    const older = Object.create(session.api, {
      call: { value: { subnetInfoRuntimeApi: { getSubnetState } } },
    });
    const current = createReader({ session, netuid: NETUID, hotkey: bob });
    const fallback = createReader({ session: { ...session, api: older }, netuid: NETUID, hotkey: bob });
    expect([...(await fallback.readNeurons())]).toEqual([...(await current.readNeurons())]);
    await end(session);
  });

  it('the weights version is undefined if the runtime lacks it, and 0 if nobody has set it', async () => {
    const session = await open((await openDevnet()).url);
    const older = Object.create(session.api, { query: { value: { subtensorModule: {} } } });
    const reading = (api: ChainSession['api'], netuid: number) =>
      createReader({ session: { ...session, api }, netuid, hotkey: bob }).readWeightsVersion();
    expect(await reading(older, NETUID)).toBeUndefined();
    expect(await reading(session.api, NETUID)).toBe(303_010);
    expect(await reading(session.api, 77)).toBe(0);
    await end(session);
  });

  it('a subnet that the chain lacks is an error', async () => {
    const session = await open((await openDevnet()).url);
    const reader = createReader({ session, netuid: 77, hotkey: bob });
    await expect(reader.readNeurons()).rejects.toMatchObject({ code: 'CHAIN_CALL_FAILED' });
    await end(session);
  });

  it('no session opens to a node with an old head, and its metadata are not loaded', async () => {
    const devnet = await openDevnet();
    const metadata = new Map<string, `0x${string}`>();
    const judged: number[] = [];
    const opening = open(devnet.url, metadata, (timestampMs) => {
      judged.push(timestampMs);
      return new MinerError('CHAIN_NODE_BEHIND', 'too old');
    });
    await expect(opening).rejects.toMatchObject({ code: 'CHAIN_NODE_BEHIND', message: 'too old' });
    expect(judged).toHaveLength(1);
    expect(devnet.state.byNumber(0)?.timestampMs).toBeLessThanOrEqual(judged[0] ?? 0);
    expect(metadata.size).toBe(0);
  });

  it('a later head that is too old ends the session', async () => {
    let fault: MinerError | undefined;
    const session = await open((await openDevnet()).url, new Map(), () => fault);
    expect(session.believes(1)).toBe(true);
    expect(session.socket.ended.aborted).toBe(false);
    fault = new MinerError('CHAIN_NODE_BEHIND', 'too old');
    expect(session.believes(1)).toBe(false);
    expect(session.socket.ended.reason).toBe(fault);
    await session.socket.closed;
  });

  it('the key of the block time agrees with the metadata', async () => {
    const session = await open((await openDevnet()).url);
    expect(session.api.query.timestamp?.now?.key()).toBe(BLOCK_TIME_KEY);
    await end(session);
  });

  it('calls that outlive a session reject with the reason of its end', async () => {
    const devnet = await openDevnet();
    const session = await open(devnet.url);
    devnet.stopAnswering();
    const reading = createReader({ session, netuid: NETUID, hotkey: bob }).readUid();
    session.socket.end(new MinerError('CHAIN_UNREACHABLE', 'gone'));
    await expect(reading).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE', message: 'gone' });
  });
});

it('the fault of an answer is shown in 200 characters, without control characters', () => {
  const schema = z.never({ error: `\u001b[31m${'x'.repeat(10_000)}` });
  expect(() => parse(schema, 1)).toThrow(`unexpected answer:  [31m${'x'.repeat(195)}…`);
});

describe('the name of an endpoint', () => {
  it('the name of an endpoint is its scheme and host only', () => {
    expect(displayEndpoint('wss://user:secret@node.example.org:443/ws/key?apikey=1')).toBe(
      'wss://node.example.org',
    );
    expect(displayEndpoint('ws://127.0.0.1:9944')).toBe('ws://127.0.0.1:9944');
    expect(displayEndpoint('nonsense')).toBe('(not a URL)');
  });
});
