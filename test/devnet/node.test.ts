import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createDevnet, type Devnet } from '../../src/devnet/node.ts';
import { head, openSocket as openTcp } from '../fixtures/axon.ts';
import { NETUID } from '../fixtures/devnet.ts';
import { developmentKey } from '../fixtures/keys.ts';
import { until } from '../fixtures/until.ts';
import { connect, openDevnet, post, serveAxon, submit } from './fixture.ts';

const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const DAVE = '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy';

async function openSocket(devnet: Devnet, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(devnet.url, { headers });
  await once(socket, 'open');
  return socket;
}

async function ask(socket: WebSocket, text: string | Buffer): Promise<Record<string, unknown>> {
  socket.send(text);
  const [data] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(data.toString()) as Record<string, unknown>;
}

/** The status of a raw HTTP request. */
async function statusOf(
  devnet: Devnet,
  method: string,
  headers: Record<string, string>,
  body = '',
): Promise<number> {
  const sent = request({ host: '127.0.0.1', port: devnet.port, method, headers });
  sent.end(body);
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

const HEALTH = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'system_health' });
const METADATA = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'state_getMetadata' });

describe('the devnet as a server', () => {
  it('the devnet listens on this machine only', async () => {
    const options = { port: 0, netuid: NETUID, blockTimeMs: 12_000 };
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com']) {
      await expect(createDevnet({ ...options, host })).rejects.toMatchObject({
        code: 'CONFIG_DEV_ONLY_LOOPBACK',
      });
    }
  });

  it('a taken port of the devnet is an error', async () => {
    const { port } = await openDevnet();
    const second = createDevnet({ host: '127.0.0.1', port, netuid: NETUID, blockTimeMs: 12_000 });
    await expect(second).rejects.toMatchObject({ code: 'AXON_PORT_IN_USE' });
  });

  it('the devnet answers any text, and goes on', async () => {
    const devnet = await openDevnet();
    const socket = await openSocket(devnet);
    const garbage = [
      '',
      'soup',
      '[]',
      'null',
      '{"jsonrpc":"2.0"}',
      '{"jsonrpc":"2.0","id":1,"method":5}',
      '{"jsonrpc":"2.0","id":{},"method":"system_health"}',
      '{"jsonrpc":"2.0","id":1,"method":"system_health","params":{"a":1}}',
      `[${HEALTH}]`,
      '['.repeat(100_000),
    ];
    for (const text of garbage) {
      expect(await ask(socket, text)).toMatchObject({ id: null, error: { code: -32600 } });
    }
    expect(await ask(socket, Buffer.from(HEALTH))).toMatchObject({ error: { code: -32600 } });
    for (const method of ['no_such', 'constructor', '__proto__', 'toString']) {
      const answer = await ask(socket, JSON.stringify({ jsonrpc: '2.0', id: 3, method }));
      expect(answer).toMatchObject({ id: 3, error: { code: -32601 } });
    }
    expect(await ask(socket, HEALTH)).toMatchObject({ id: 1, result: { isSyncing: false } });
    socket.terminate();
  });

  it.each<[string, readonly unknown[]]>([
    ['state_getStorage', [5]],
    ['state_getStorage', ['0xzz']],
    ['state_queryStorageAt', ['0x00']],
    ['state_queryStorageAt', [Array.from({ length: 1001 }, () => '0x00')]],
    ['state_call', []],
    ['state_call', ['SubnetInfoRuntimeApi_get_selective_metagraph', '0x']],
    ['state_call', ['SubnetInfoRuntimeApi_get_selective_metagraph', '0x220004']],
    ['state_call', ['SubnetInfoRuntimeApi_get_selective_metagraph', '0x2200fdff']],
    ['state_call', ['SubnetInfoRuntimeApi_get_subnet_state', '0x22']],
    ['state_call', ['AccountNonceApi_account_nonce', '0x22']],
    ['system_accountNextIndex', ['me']],
    ['author_submitExtrinsic', [null]],
    ['chain_getHeader', [7]],
  ])('the devnet answers %s with wrong parameters %j as such', async (method, params) => {
    await expect(post(await openDevnet(), method, params)).rejects.toMatchObject({ code: -32602 });
  });

  it('the devnet does not know foreign blocks', async () => {
    const devnet = await openDevnet();
    const unknown = `0x${'77'.repeat(32)}`;
    expect(await post(devnet, 'chain_getHeader', [unknown])).toBeNull();
    expect(await post(devnet, 'chain_getBlock', [unknown])).toBeNull();
    expect(await post(devnet, 'chain_getBlockHash', [99])).toBeNull();
    await expect(post(devnet, 'state_getStorage', ['0x00', unknown])).rejects.toMatchObject({ code: 4003 });
    await expect(post(devnet, 'state_call', ['Nothing_at_all', '0x'])).rejects.toMatchObject({ code: 4003 });
  });

  it('the devnet answers the older names of methods too', async () => {
    const devnet = await openDevnet();
    devnet.produceBlock();
    expect(await post(devnet, 'chain_getHead')).toBe(devnet.state.head.hash);
    expect(await post(devnet, 'account_nextIndex', [BOB])).toBe(0);
    const number = '0x26aa394eea5630e07c48ae0c9558cef702a5c1b19ab7a04f536c519aca4983ac';
    expect(await post(devnet, 'state_getStorageAt', [number])).toBe('0x01000000');
  });

  it('the devnet accepts the input of a runtime call without 0x, as nodes do', async () => {
    const devnet = await openDevnet();
    const answers = ['22000100', '0x22000100'].map((input) =>
      post(devnet, 'state_call', ['NeuronInfoRuntimeApi_get_neuron_lite', input]),
    );
    const [bare, prefixed] = await Promise.all(answers);
    expect(bare).toMatch(/^0x01/);
    expect(bare).toBe(prefixed);
    await expect(post(devnet, 'state_call', ['Metadata_metadata_versions', 'xyz'])).rejects.toThrow('hex');
  });

  it('the devnet cuts off a client that sends too much at once', async () => {
    const devnet = await openDevnet();
    const socket = await openSocket(devnet);
    socket.send('x'.repeat(300 * 1024));
    const [code] = await once(socket, 'close');
    expect(code).toBe(1009);
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'system_health',
      params: ['x'.repeat(300_000)],
    });
    expect(await statusOf(devnet, 'POST', { 'content-length': String(body.length) }, body)).toBe(413);
  });

  it('the devnet cuts off a client that sends an endless body', async () => {
    const devnet = await openDevnet();
    const chunked = { 'transfer-encoding': 'chunked' };
    expect(await statusOf(devnet, 'POST', chunked, HEALTH)).toBe(200);
    await expect(statusOf(devnet, 'POST', chunked, `${HEALTH}${' '.repeat(300_000)}`)).rejects.toThrow();
    expect(await statusOf(devnet, 'POST', chunked, HEALTH)).toBe(200);
  });

  it('the devnet ends an HTTP connection that does not wait for its answers', async () => {
    const { port } = await openDevnet();
    const client = openTcp(port);
    client.write(`${head('POST /', { 'Content-Length': HEALTH.length })}${HEALTH}`.repeat(500));
    await client.ended;
    expect(client.text().split('HTTP/1.1 ').length - 1).toBeLessThanOrEqual(1);
  });

  it('the devnet cuts off a client that asks and never reads, and ignores its later requests', async () => {
    const devnet = await openDevnet();
    const socket = await openSocket(devnet);
    socket.pause();
    for (let count = 0; count < 500; count++) socket.send(METADATA);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'devnet_register', params: [DAVE] }));
    // By then all of it has been read.
    await until(() => socket.bufferedAmount === 0);
    const { neurons } = (await post(devnet, 'devnet_state')) as { neurons: { hotkey: string }[] };
    expect(neurons.map(({ hotkey }) => hotkey)).not.toContain(DAVE);
    socket.resume();
    await once(socket, 'close');
  });

  it('the devnet cuts off a client that pings and never reads', async () => {
    const devnet = await openDevnet();
    const socket = await openSocket(devnet);
    socket.on('error', () => {});
    socket.pause();
    const pinging = setInterval(() => {
      for (let count = 0; count < 1_000; count++) socket.ping('x'.repeat(125));
    }, 5);
    await once(socket, 'close');
    clearInterval(pinging);
  });

  it('the devnet bounds the subscriptions of a connection', async () => {
    const devnet = await openDevnet();
    const socket = await openSocket(devnet);
    const message = JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'state_subscribeStorage', params: [[]] });
    for (let count = 0; count < 256; count += 1) expect(await ask(socket, message)).toHaveProperty('result');
    expect(await ask(socket, message)).toMatchObject({ error: { code: -32006 } });
    socket.terminate();
  });

  it('the devnet refuses web pages of other sites', async () => {
    const devnet = await openDevnet();
    expect(await statusOf(devnet, 'POST', { origin: 'https://example.com' }, HEALTH)).toBe(403);
    expect(await statusOf(devnet, 'POST', { origin: 'null' }, HEALTH)).toBe(403);
    expect(await statusOf(devnet, 'POST', { origin: `http://127.0.0.1:${devnet.port}` }, HEALTH)).toBe(200);
    expect(await statusOf(devnet, 'GET', {})).toBe(405);
    await expect(openSocket(devnet, { origin: 'https://example.com' })).rejects.toThrow('401');
  });

  it('the list of methods leaves out the control methods', async () => {
    const { methods } = (await post(await openDevnet(), 'rpc_methods')) as { methods: string[] };
    expect(methods).toContain('state_subscribeStorage');
    expect(methods.filter((name) => name.startsWith('devnet_'))).toEqual([]);
  });
});

describe('a devnet that has stopped answering', () => {
  it('a devnet that stopped answering keeps its sockets open and sends nothing', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const heads: number[] = [];
    await api.rpc.chain.subscribeNewHeads(({ number }) => {
      heads.push(number.toNumber());
    });
    await until(() => heads.length === 1);
    devnet.stopAnswering();
    let isAnswered = false;
    const asked = api.rpc.system.chain().then(() => {
      isAnswered = true;
    });
    devnet.produceBlock();
    devnet.produceBlock();
    const fresh = await openSocket(devnet);
    fresh.send(HEALTH);
    // Control calls are still heard, so that somebody can look in; by then everything else would have come as well.
    expect(await post(devnet, 'devnet_state')).toMatchObject({ block: 2 });
    expect(heads).toEqual([0]);
    expect(isAnswered).toBe(false);
    expect(api.isConnected).toBe(true);
    devnet.resumeAnswering();
    await until(() => heads.length === 2);
    expect(heads).toEqual([0, 2]);
    expect(await ask(fresh, HEALTH)).toMatchObject({ id: 1 });
    fresh.terminate();
    asked.catch(() => {});
  });

  it('a devnet that stopped answering resumes after the given seconds', async () => {
    const devnet = await openDevnet();
    await post(devnet, 'devnet_stopAnswering', [{ seconds: 0.05 }]);
    devnet.register(DAVE);
    const socket = await openSocket(devnet);
    const asking = setInterval(() => socket.send(HEALTH), 10);
    await once(socket, 'message');
    clearInterval(asking);
    socket.terminate();
  });
});

describe('a devnet that is started again', () => {
  it('a devnet that is started again goes on with the state of the one before, on the same port', async () => {
    const first = await openDevnet();
    const api = await connect(first);
    await submit(first, serveAxon(api), developmentKey('Bob'));
    first.register(DAVE);
    const head = (await api.rpc.chain.getBlockHash()).toHex();
    const heads: number[] = [];
    await api.rpc.chain.subscribeNewHeads(({ number }) => {
      heads.push(number.toNumber());
    });
    await first.close();
    await until(() => !api.isConnected);

    const second = await openDevnet({ port: first.port, state: first.state });
    await until(() => api.isConnected);
    second.produceBlock();
    await until(() => heads.includes(3));
    expect((await api.rpc.chain.getBlockHash(2)).toHex()).toBe(head);
    expect((await api.query.subtensorModule?.uids?.(NETUID, DAVE))?.toJSON()).toBe(3);
    expect(second.axonOf(BOB)?.port).toBe(8091);
  });

  it('a devnet that is started again closes with requests and sockets still open', async () => {
    const devnet = await openDevnet();
    await openSocket(devnet);
    devnet.stopAnswering();
    const waiting = fetch(devnet.url.replace('ws', 'http'), { method: 'POST', body: HEALTH });
    const failed = expect(waiting).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await devnet.close();
    await failed;
  });
});
