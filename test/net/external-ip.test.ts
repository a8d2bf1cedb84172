import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isIPv4 } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveExternalIp } from '../../src/net/external-ip.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A source on loopback; `undefined` never answers. */
async function source(answer: { status?: number; body: string } | undefined): Promise<string> {
  const server = createServer((_request, response) => {
    if (answer !== undefined) response.writeHead(answer.status ?? 200).end(answer.body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function resolve(
  configured: string,
  { chainIsLocal = false, sources = [] as string[], timeoutMs = 5_000 } = {},
) {
  return resolveExternalIp({
    configured,
    chainIsLocal,
    sources,
    timeoutMs,
    fetch: globalThis.fetch,
    signal: new AbortController().signal,
  });
}

describe('a configured address', () => {
  it('is taken when validators can reach it', async () => {
    expect(await resolve('8.8.8.8')).toEqual({ ok: true, ip: '8.8.8.8', origin: 'configured' });
  });

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['192.168.0.5', 'private'],
    ['127.0.0.2', 'loopback'],
    ['100.64.0.1', 'NAT'],
    ['169.254.1.1', 'link-local'],
    ['192.0.2.1', 'documentation'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.9', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['250.0.0.1', 'reserved'],
    ['255.255.255.255', 'refuses'],
    ['::1', 'IPv6'],
    ['[2001:db8::1]', 'IPv6'],
    ['miner.example.org', 'host names'],
    ['256.1.1.1', 'IPv4'],
  ])('%s is refused with the reason', async (configured, reason) => {
    expect(await resolve(configured)).toMatchObject({
      ok: false,
      code: 'CONFIG_INVALID',
      reason: expect.stringContaining(reason),
    });
  });

  it('may be private or loopback on a chain of this machine, but not what the chain refuses', async () => {
    expect(await resolve('127.0.0.2', { chainIsLocal: true })).toMatchObject({ ok: true, ip: '127.0.0.2' });
    expect(await resolve('192.168.0.5', { chainIsLocal: true })).toMatchObject({ ok: true });
    expect(await resolve('127.0.0.1', { chainIsLocal: true })).toMatchObject({ ok: false });
  });
});

describe('an address to find out', () => {
  it.each(['', '[::]', '::', '  '])('is asked of the sources when "%s" is configured', async (configured) => {
    const sources = [await source({ body: '8.8.4.4\n' })];
    expect(await resolve(configured, { sources })).toEqual({ ok: true, ip: '8.8.4.4', origin: 'discovered' });
  });

  it('is what most sources say', async () => {
    const bodies = ['1.1.1.1', '8.8.4.4', '8.8.4.4'];
    const sources = await Promise.all(bodies.map((body) => source({ body })));
    expect(await resolve('', { sources })).toMatchObject({ ok: true, ip: '8.8.4.4' });
  });

  it('does not wait for slow sources once a majority agrees', async () => {
    const sources = [
      await source({ body: '8.8.4.4' }),
      await source({ body: '8.8.4.4' }),
      await source(undefined),
    ];
    expect(await resolve('', { sources, timeoutMs: 60_000 })).toMatchObject({ ok: true, ip: '8.8.4.4' });
  });

  it('is taken from the one source that answers with a public IPv4 address', async () => {
    const sources = [
      await source({ status: 500, body: '1.1.1.1' }),
      await source({ body: '<html>busy</html>' }),
      await source({ body: '2001:db8::1' }),
      await source({ body: '10.0.0.1' }),
      await source({ body: '9'.repeat(100_000) }),
      await source({ body: '8.8.4.4' }),
      await source(undefined),
    ];
    expect(await resolve('', { sources, timeoutMs: 500 })).toMatchObject({ ok: true, ip: '8.8.4.4' });
  });

  it('is an error that names each source when none answers', async () => {
    const sources = [await source({ status: 503, body: '' }), await source(undefined)];
    const result = await resolve('', { sources, timeoutMs: 200 });
    expect(result).toMatchObject({ ok: false, code: 'CHAIN_NO_EXTERNAL_IP' });
    for (const url of sources)
      expect(result).toMatchObject({ reason: expect.stringContaining(new URL(url).host) });
  });

  it('is one of this host on a chain of this machine, without asking anybody', async () => {
    const result = await resolve('[::]', { chainIsLocal: true });
    expect(result).toMatchObject({ ok: true, origin: 'interface' });
    expect(result.ok && isIPv4(result.ip) && result.ip !== '127.0.0.1').toBe(true);
  });
});
