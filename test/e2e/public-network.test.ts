import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { NETWORKS } from '../../src/config/networks.ts';
import { startDevnet } from '../fixtures/miner.ts';
import { type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { call } from '../fixtures/validator.ts';

vi.setConfig({ testTimeout: 60_000 });

/** A hotkey that only this test has: any seed that is not a well-known one. */
const HOTKEY = {
  secretSeed: '0x6d696e65722d746573742d7075626c69632d6e6574776f726b2d736565642d31',
};

/** The sources of addresses are on the internet, which a test does not call. */
const WITHOUT_INTERNET =
  "--import=data:text/javascript,globalThis.fetch=async()=>{throw(new(Error)('away'))}";

/** A node that passes all on to a devnet, and says that its chain is finney. */
async function openFinney(target: string): Promise<{ url: string; methods: () => readonly string[] }> {
  const methods: string[] = [];
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    const upstream = new WebSocket(target);
    const ready = once(upstream, 'open');
    const genesisCalls = new Set<unknown>();
    socket.on('close', () => upstream.terminate());
    socket.on('message', async (data) => {
      const { id, method, params } = JSON.parse(String(data));
      methods.push(method);
      if (method === 'chain_getBlockHash' && params[0] === 0) genesisCalls.add(id);
      await ready;
      upstream.send(String(data));
    });
    upstream.on('message', (data) => {
      const { id } = JSON.parse(String(data));
      const answer = { jsonrpc: '2.0', id, result: NETWORKS.finney.genesisHash };
      socket.send(genesisCalls.delete(id) ? JSON.stringify(answer) : String(data));
    });
  });
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const client of server.clients) client.terminate();
    server.close();
    await once(server, 'close');
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, methods: () => methods };
}

/** The shipped program with a wallet of its own, as a user starts it. */
async function start(command: string, env: Record<string, string>, hotkey = HOTKEY): Promise<MinerProcess> {
  const wallets = temporaryFolderPath();
  mkdirSync(join(wallets, 'miner/hotkeys'), { recursive: true });
  writeFileSync(join(wallets, 'miner/hotkeys/first'), JSON.stringify(hotkey), { mode: 0o600 });
  const settings = join(wallets, 'settings');
  writeFileSync(settings, '');
  const miner = await spawnMiner([command, '--settings', settings], {
    WALLET_PATH: wallets,
    WALLET_NAME: 'miner',
    WALLET_HOTKEY: 'first',
    ...env,
  });
  onTestFinished(miner.close);
  return miner;
}

async function reasonsOf({ adminPort }: MinerProcess): Promise<readonly string[]> {
  const answer = await call(adminPort, '/readyz').catch(() => undefined);
  return (answer?.json() as { reasons?: string[] } | undefined)?.reasons ?? [];
}

it('a miner of finney beside its own node signs no address of its network card, and says that it knows no other', async () => {
  const devnet = await startDevnet();
  onTestFinished(() => devnet.close());
  const node = await openFinney(devnet.url);
  const env = { NETWORK: 'finney', CHAIN_ENDPOINT: node.url, NODE_OPTIONS: WITHOUT_INTERNET };
  const miner = await start('start', env);
  await until(() => miner.output().includes('"msg":"hotkey open"'));
  const [, hotkey = ''] = /"hotkey":"(\w+)"/.exec(miner.output()) ?? [];
  devnet.register(hotkey);
  await until(async () =>
    (await reasonsOf(miner)).some((reason) =>
      /^the axon is not announced: no source told the address .*\(CHAIN_NO_EXTERNAL_IP\)/.test(reason),
    ),
  );
  expect(miner.output()).not.toMatch(/^READY /m);
  expect(devnet.axonOf(hotkey)).toBeUndefined();
  expect(node.methods()).not.toContain('author_submitAndWatchExtrinsic');
});

it('a miner of a local network does not use a node of finney, and says which network to set', async () => {
  const devnet = await startDevnet();
  onTestFinished(() => devnet.close());
  const node = await openFinney(devnet.url);
  const miner = await start('start', { CHAIN_ENDPOINT: node.url });
  expect(await miner.ended).toBe(15);
  expect(miner.output()).toContain('the endpoint serves finney, and NETWORK is local: set NETWORK=finney');
  expect(new Set(node.methods())).toEqual(new Set(['chain_getBlockHash']));
});

it('a development key is not used on a node of finney, though it is on this host', async () => {
  const devnet = await startDevnet();
  onTestFinished(() => devnet.close());
  const node = await openFinney(devnet.url);
  const miner = await spawnMiner(['start', '--dev'], { CHAIN_ENDPOINT: node.url });
  onTestFinished(miner.close);
  expect(await miner.ended).toBe(15);
  expect(miner.output()).toContain('CHAIN_WRONG_NETWORK');
  expect(new Set(node.methods())).toEqual(new Set(['chain_getBlockHash']));
});

it('a development key in a wallet is refused for finney', async () => {
  // //Alice, whose seed stands in the documents of Substrate.
  const seed = '0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a';
  const env = { NETWORK: 'finney', CHAIN_ENDPOINT: 'ws://127.0.0.1:1', AXON_EXTERNAL_IP: '8.8.8.8' };
  const miner = await start('start', env, { secretSeed: seed });
  expect(await miner.ended).toBe(15);
  expect(miner.output()).toContain('WALLET_DEV_KEY_REFUSED');
});

it.each(['config', 'start'])(
  '%s refuses an address that validators cannot reach, and exits with 10',
  async (command) => {
    const miner = await start(command, { NETWORK: 'finney', AXON_EXTERNAL_IP: '10.1.2.3' });
    expect(await miner.ended).toBe(10);
    expect(miner.output()).toContain('CONFIG_INVALID: AXON_EXTERNAL_IP=10.1.2.3 is a private address');
  },
);
