import type { GenericExtrinsic } from '@polkadot/types';
import type { SignatureOptions } from '@polkadot/types/types';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { describe, expect, it } from 'vitest';
import { NETUID } from '../../fixtures/devnet.ts';
import { developmentKey } from '../../fixtures/keys.ts';
import { until } from '../../fixtures/until.ts';
import { type Axon, connect, nonceOf, openDevnet, post, serveAxon, submit } from '../fixture.ts';

const LOOPBACK_V4 = 0x7f000001n;
const ALL_ONES_V4 = 0xffffffffn;

/** The pool's refusal as polkadot.js throws it. */
function refusal(customCode: number) {
  return expect.objectContaining({ code: 1010, data: `Custom error: ${customCode}` });
}

describe('serve_axon on the devnet', () => {
  it('serve_axon stores the axon of a hotkey without funds', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    const result = await submit(devnet, serveAxon(api), bob);
    expect(result.dispatchError).toBeUndefined();
    expect(result.events.map(({ event }) => `${event.section}.${event.method}`)).toEqual([
      'subtensorModule.AxonServed',
      'system.ExtrinsicSuccess',
    ]);
    const stored = await api.query.subtensorModule?.axons?.(NETUID, bob.address);
    expect(stored?.toJSON()).toEqual({
      block: 1,
      version: 10_002_000,
      ip: 0x08080808,
      port: 8091,
      ipType: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    });
    expect(devnet.axonOf(bob.address)).toMatchObject({ block: 1, ip: 0x08080808n, port: 8091 });
  });

  it('serve_axon is final a block later', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const result = await submit(devnet, serveAxon(api), developmentKey('Bob'), {}, 'finalized');
    expect(result.status.asFinalized.toHex()).toBe((await api.rpc.chain.getBlockHash(1)).toHex());
    expect(devnet.blockNumber).toBe(2);
  });

  it.each([
    ['the defaults', {}],
    ['a mortal era and the next nonce', { era: 128, nonce: -1 }],
    ['an immortal era', { era: 0 }],
  ])('the devnet accepts an extrinsic with %s', async (_name, options) => {
    const devnet = await openDevnet();
    for (let block = 0; block < 40; block += 1) devnet.produceBlock();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    await submit(devnet, serveAxon(api), bob, options);
    expect(devnet.axonOf(bob.address)?.block).toBe(41);
  });

  it('serve_axon keeps a whole IPv6 address', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    const ip = 0x20010db8000000000000000000000001n;
    await submit(devnet, serveAxon(api, { ip, ipType: 6 }), bob);
    expect(devnet.axonOf(bob.address)?.ip).toBe(ip);
  });

  it.each<[string, Axon, number]>([
    ['another subnet', { netuid: 35 }, 10],
    ['an address type that is neither 4 nor 6', { ipType: 5 }, 255],
    ['the IPv4 loopback address', { ip: LOOPBACK_V4 }, 11],
    ['the IPv4 address of all ones', { ip: ALL_ONES_V4 }, 11],
    ['the IPv6 loopback address', { ip: 1n, ipType: 6 }, 11],
    ['the IPv6 address of all ones', { ip: 2n ** 128n - 1n, ipType: 6 }, 11],
    ['port 0', { port: 0 }, 13],
    ['a wrong address before the wrong port', { ip: LOOPBACK_V4, port: 0 }, 11],
    ['a wrong address type before the wrong address', { ip: ALL_ONES_V4, ipType: 0 }, 255],
  ])('serve_axon refuses %s', async (_name, axon, code) => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const sent = submit(devnet, serveAxon(api, axon), developmentKey('Bob'));
    await expect(sent).rejects.toEqual(refusal(code));
  });

  it.each([{ ip: 0n }, { ip: 0x0a000001n }])('serve_axon accepts the address $ip', async (axon) => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const result = await submit(devnet, serveAxon(api, axon), developmentKey('Bob'));
    expect(result.status.isInBlock).toBe(true);
  });

  it('serve_axon refuses a hotkey that is not registered', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const sent = submit(devnet, serveAxon(api), developmentKey('Dave'));
    await expect(sent).rejects.toEqual(refusal(10));
  });

  it('serve_axon refuses a second announcement within the rate limit', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 3 });
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    await submit(devnet, serveAxon(api), bob);
    await expect(submit(devnet, serveAxon(api, { port: 1 }), bob)).rejects.toEqual(refusal(12));
    devnet.produceBlock();
    await expect(submit(devnet, serveAxon(api, { port: 0 }), bob)).rejects.toEqual(refusal(12));
    devnet.produceBlock();
    await submit(devnet, serveAxon(api, { port: 2 }), bob);
    expect(devnet.axonOf(bob.address)).toMatchObject({ block: 4, port: 2 });
  });

  it('serve_axon has no rate limit if the limit is 0', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    await submit(devnet, serveAxon(api), bob);
    await submit(devnet, serveAxon(api, { port: 2 }), bob);
    expect(devnet.axonOf(bob.address)?.port).toBe(2);
  });

  it.each([6, 10, 11, 12, 13, 255])('the next submission can be refused with code %i', async (code) => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    devnet.refuseNext(code);
    await expect(submit(devnet, serveAxon(api), bob)).rejects.toEqual(refusal(code));
    await submit(devnet, serveAxon(api), bob);
    expect(devnet.axonOf(bob.address)).toBeDefined();
  });

  it('a refusal of the devnet has the error object of a Substrate node', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const signed = await serveAxon(api, { port: 0 }).signAsync(developmentKey('Bob'));
    const response = await fetch(devnet.url.replace('ws', 'http'), {
      method: 'POST',
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 7,
        method: 'author_submitExtrinsic',
        params: [signed.toHex()],
      }),
    });
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error: { code: 1010, message: 'Invalid Transaction', data: 'Custom error: 13' },
    });
  });

  it('the control makes serve_axon fail in the block, as before spec 300', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    devnet.failNext('ServingRateLimitExceeded');
    const { dispatchError } = await submit(devnet, serveAxon(api), bob);
    expect(dispatchError && api.registry.findMetaError(dispatchError.asModule).name).toBe(
      'ServingRateLimitExceeded',
    );
    expect(devnet.axonOf(bob.address)).toBeUndefined();
    expect(await nonceOf(api, bob.address)).toBe(1);
  });
});

describe('the transaction pool of the devnet', () => {
  const stale = expect.objectContaining({ code: 1010, data: 'Transaction is outdated' });
  const badSignature = expect.objectContaining({ code: 1010, data: 'Transaction has a bad signature' });

  it('the transaction pool of the devnet refuses a nonce that has been used', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    await submit(devnet, serveAxon(api), bob);
    await expect(submit(devnet, serveAxon(api), bob, { nonce: 0 })).rejects.toEqual(stale);
  });

  it('the transaction pool of the devnet keeps a future nonce until its turn', async () => {
    const devnet = await openDevnet({ servingRateLimitBlocks: 0 });
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    const statuses: string[] = [];
    await serveAxon(api, { port: 2 }).signAndSend(bob, { nonce: 1 }, ({ status }) => {
      statuses.push(status.type);
    });
    devnet.produceBlock();
    expect(devnet.axonOf(bob.address)).toBeUndefined();
    await submit(devnet, serveAxon(api, { port: 1 }), bob, { nonce: 0 }, 'finalized');
    expect(devnet.axonOf(bob.address)?.port).toBe(2);
    await until(() => statuses.includes('Finalized'));
    expect(statuses).toEqual(['Future', 'InBlock', 'Finalized']);
  });

  it('the transaction pool of the devnet refuses the same extrinsic, or the same nonce, twice', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    const signed = await serveAxon(api).signAsync(bob, { nonce: 0 });
    await post(devnet, 'author_submitExtrinsic', [signed.toHex()]);
    await expect(post(devnet, 'author_submitExtrinsic', [signed.toHex()])).rejects.toMatchObject({
      code: 1013,
    });
    const other = await serveAxon(api, { port: 1 }).signAsync(bob, { nonce: 0 });
    await expect(post(devnet, 'author_submitExtrinsic', [other.toHex()])).rejects.toMatchObject({
      code: 1014,
    });
    expect((await api.rpc.system.accountNextIndex(bob.address)).toNumber()).toBe(1);
  });

  it('the transaction pool of the devnet drops an extrinsic that became invalid before its block', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    const seen: (readonly [port: number, status: string])[] = [];
    for (const port of [1, 2]) {
      await serveAxon(api, { port }).signAndSend(bob, { nonce: port - 1 }, ({ status }) => {
        seen.push([port, status.type]);
      });
    }
    await until(() => seen.length === 2);
    devnet.produceBlock();
    await until(() => seen.length === 4);
    expect(seen).toEqual(
      expect.arrayContaining([
        [1, 'InBlock'],
        [2, 'Invalid'],
      ]),
    );
    expect(devnet.axonOf(bob.address)?.port).toBe(1);
  });

  it('the transaction pool of the devnet drops an extrinsic whose era has ended', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const bob = developmentKey('Bob');
    const signed = await serveAxon(api).signAsync(bob, { era: 4, nonce: 1 });
    await post(devnet, 'author_submitExtrinsic', [signed.toHex()]);
    for (let block = 0; block < 4; block += 1) devnet.produceBlock();
    await submit(devnet, serveAxon(api, { port: 1 }), bob, { nonce: 0 });
    devnet.produceBlock();
    expect(await nonceOf(api, bob.address)).toBe(1);
  });

  it('the transaction pool of the devnet refuses a signature of another era', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const signed = await serveAxon(api).signAsync(developmentKey('Bob'), { era: 4 });
    for (let block = 0; block < 4; block += 1) devnet.produceBlock();
    await expect(post(devnet, 'author_submitExtrinsic', [signed.toHex()])).rejects.toEqual(badSignature);
  });

  it('the transaction pool of the devnet refuses a signature for another chain', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const genesisHash = `0x${'11'.repeat(32)}`;
    const sent = submit(devnet, serveAxon(api), developmentKey('Bob'), { genesisHash });
    await expect(sent).rejects.toEqual(badSignature);
  });

  it('the transaction pool of the devnet refuses a signature for another runtime', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const call = serveAxon(api).method.toHex();
    const extrinsic = api.registry.createTypeUnsafe<GenericExtrinsic>('Extrinsic', [
      api.registry.createType('Call', call),
      { version: 4 },
    ]);
    const { genesisHash, runtimeVersion } = api;
    const signed = extrinsic.sign(developmentKey('Bob'), {
      blockHash: genesisHash,
      genesisHash,
      nonce: 0,
      runtimeVersion: { ...runtimeVersion, specVersion: 423, transactionVersion: 1 },
    } as unknown as SignatureOptions);
    await expect(post(devnet, 'author_submitExtrinsic', [signed.toHex()])).rejects.toEqual(badSignature);
  });

  it('the transaction pool of the devnet refuses an extrinsic with one changed byte', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const signed = await serveAxon(api).signAsync(developmentKey('Bob'));
    const bytes = hexToU8a(signed.toHex());
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    await expect(post(devnet, 'author_submitExtrinsic', [u8aToHex(bytes)])).rejects.toEqual(badSignature);
  });

  it('the transaction pool of the devnet refuses bytes that are no extrinsic', async () => {
    const devnet = await openDevnet();
    const api = await connect(devnet);
    const signed = await serveAxon(api).signAsync(developmentKey('Bob'));
    const bytes = hexToU8a(signed.toHex());
    for (let end = 0; end < bytes.length; end += 7) {
      const sent = post(devnet, 'author_submitExtrinsic', [u8aToHex(bytes.subarray(0, end))]);
      await expect(sent).rejects.toMatchObject({ code: 1002 });
    }
    await expect(post(devnet, 'author_submitExtrinsic', ['soup'])).rejects.toMatchObject({ code: -32602 });
  });
});
