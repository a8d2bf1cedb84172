import { createServer } from 'node:http';
import { type AddressInfo, isIPv4 } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resolveExternalIp } from '../../src/net/external-ip.ts';

/** A source on loopback; `undefined` never answers. */
async function source(answer: { status?: number; body: string } | undefined): Promise<string> {
  const server = createServer((_request, response) => {
    if (answer !== undefined) response.writeHead(answer.status ?? 200).end(answer.body);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function resolve(
  configured: string | undefined,
  { isPublicNetwork = true, sources = [] as string[], timeoutMs = 5_000 } = {},
) {
  return resolveExternalIp({
    configured,
    isPublicNetwork,
    sources,
    timeoutMs,
    fetch: globalThis.fetch,
    signal: new AbortController().signal,
  });
}

describe('an address to announce', () => {
  it('the address that the operator set is announced, and no source is asked', async () => {
    expect(await resolve('8.8.8.8')).toEqual({ ok: true, ip: '8.8.8.8', origin: 'configured' });
  });

  it('the sources are asked if the operator set no address', async () => {
    const sources = [await source({ body: '8.8.4.4\n' })];
    expect(await resolve(undefined, { sources })).toEqual({ ok: true, ip: '8.8.4.4', origin: 'discovered' });
  });

  it('the address is the most frequent answer of the sources', async () => {
    const bodies = ['1.1.1.1', '8.8.4.4', '8.8.4.4'];
    const sources = await Promise.all(bodies.map((body) => source({ body })));
    expect(await resolve(undefined, { sources })).toMatchObject({ ok: true, ip: '8.8.4.4' });
  });

  it('slow sources are not waited for once a majority agrees', async () => {
    const sources = [
      await source({ body: '8.8.4.4' }),
      await source({ body: '8.8.4.4' }),
      await source(undefined),
    ];
    expect(await resolve(undefined, { sources, timeoutMs: 60_000 })).toMatchObject({
      ok: true,
      ip: '8.8.4.4',
    });
  });

  it('one source with a public IPv4 address is enough', async () => {
    const sources = [
      await source({ status: 500, body: '1.1.1.1' }),
      await source({ body: '<html>busy</html>' }),
      await source({ body: '2001:db8::1' }),
      await source({ body: '10.0.0.1' }),
      await source({ body: '9'.repeat(100_000) }),
      // An address but for its length, as an answer without end would be.
      await source({ body: `1.1.1.1${' '.repeat(100_000)}` }),
      await source({ body: `1.1.1.1${' '.repeat(100_000)}` }),
      await source({ body: '8.8.4.4' }),
      await source(undefined),
    ];
    expect(await resolve(undefined, { sources, timeoutMs: 500 })).toMatchObject({ ok: true, ip: '8.8.4.4' });
  });

  it('the error without an answer names each source', async () => {
    const sources = [await source({ status: 503, body: '' }), await source(undefined)];
    const result = await resolve(undefined, { sources, timeoutMs: 200 });
    expect(result).toMatchObject({ ok: false, code: 'CHAIN_NO_EXTERNAL_IP' });
    for (const url of sources)
      expect(result).toMatchObject({ reason: expect.stringContaining(new URL(url).host) });
  });

  it('an address of this host is announced if validators do not come over the internet', async () => {
    const result = await resolve(undefined, { isPublicNetwork: false });
    expect(result).toMatchObject({ ok: true, origin: 'interface' });
    expect(result.ok && isIPv4(result.ip) && result.ip !== '127.0.0.1').toBe(true);
  });
});
