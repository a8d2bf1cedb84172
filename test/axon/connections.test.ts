import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { head, openSocket, startAxon } from '../fixtures/axon.ts';
import { until } from '../fixtures/until.ts';
import { call, createValidator } from '../fixtures/validator.ts';

const MIB = 1024 * 1024;

describe('a connection that makes no progress', () => {
  it('a connection is ended after bytes that are not HTTP, though the other side stays open and says no more', async () => {
    const { port } = await startAxon();
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    const before = sockets();
    const client = openSocket(port);
    client.write('nonsense\r\n\r\n');
    await until(() => client.text().includes('AXON_REQUEST_INVALID'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    const refusedAt = performance.now();
    // The client keeps its half open and cannot tell; both ends are in this process.
    await until(() => sockets() === before + 1);
    // The time for headers, 10 s, would end it as well.
    expect(performance.now() - refusedAt).toBeLessThan(8_000);
    expect(client.socket.destroyed).toBe(false);
  });

  it('a connection is ended when it says nothing for ten seconds', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    await client.ended;
    expect(client.text()).toContain('408 Request Timeout');
  }, 20_000);

  it('a connection is ended when its answers are not read', async () => {
    const { port } = await startAxon({
      answer: async () => ({ kind: 'mask', height: 4096, width: 4096, float16le: Buffer.alloc(32 * MIB) }),
    });
    const body = Buffer.from('picture');
    const client = openSocket(port);
    client.socket.pause();
    client.write(
      head('POST /detect_image', {
        ...createValidator('//Alice').sign({ body }),
        'Content-Length': body.length,
      }),
    );
    client.write(body);
    // Empty lines are no request; only a reset tells a client that does not read that the server's socket is gone.
    const prod = setInterval(() => client.write('\r\n'), 200);
    await client.closed;
    clearInterval(prod);
  }, 25_000);

  it('a connection is ended by a second request while the first is open, and the first is given up', async () => {
    let asked = 0;
    const { port, records } = await startAxon({
      answer: (_task, _body, { deadline }) => {
        asked++;
        return new Promise((_resolve, reject) => {
          deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason));
        });
      },
    });
    const body = Buffer.from('picture');
    const client = openSocket(port);
    client.write(
      head('POST /detect_image', {
        ...createValidator('//Alice').sign({ body }),
        'Content-Length': body.length,
      }),
    );
    client.write(body);
    await until(() => asked === 1);
    client.write(head('GET /', {}));
    await client.ended;
    await until(() => records.length === 1);
    expect(records[0]?.code).toBe('AXON_BODY_ABORTED');
    expect(client.text()).toBe('');
  });

  it('a connection is ended by requests that do not wait for answers, of which it gets one at most', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    client.write(head('GET /', {}).repeat(1_000));
    await client.ended;
    expect(client.text().split('HTTP/1.1 ').length - 1).toBeLessThanOrEqual(1);
  });

  it('a connection does not hold up the shutdown, be it silent or in the middle of its headers', async () => {
    const { port, close } = await startAxon();
    const silent = openSocket(port);
    const slow = openSocket(port);
    slow.write('POST /detect_image HTTP/1.1\r\nHost: mi');
    const served = openSocket(port);
    served.write(head('GET /', {}));
    await until(() => served.text().endsWith('200'));
    await close();
    await Promise.all([silent.ended, slow.ended, served.ended]);
  });

  it('a connection gives way to others when its address has opened too many', async () => {
    const { port } = await startAxon({ maxConnections: 20 });
    const crowd = Array.from({ length: 60 }, () => openSocket(port));
    await until(() => crowd.filter((one) => one.isEnded()).length >= 40);
    // One that was silent for too long would have been told so; these made room.
    expect(crowd.filter((one) => one.isEnded() && one.text() === '')).toHaveLength(40);
    expect((await call(port, '/')).status).toBe(200);
    const uploading = createValidator('//Alice').post(port, '/detect_image', Buffer.from('picture'), {
      send: async (request, body) => {
        for (let index = 0; index < 40; index++) openSocket(port);
        await sleep(300);
        request.write(body);
      },
    });
    expect((await uploading).status).toBe(200);
  });
});

describe('a connection', () => {
  it('a connection is ended when its headers take longer than ten seconds, before the whole request would have to be there', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    const startedAt = performance.now();
    client.write('POST /detect_image HTTP/1.1\r\n');
    const drip = setInterval(() => client.write('a: b\r\n'), 500);
    await client.ended;
    clearInterval(drip);
    expect(client.text()).toContain('408 Request Timeout');
    expect(performance.now() - startedAt).toBeGreaterThan(9_500);
    expect(performance.now() - startedAt).toBeLessThan(14_000);
  }, 25_000);

  it.each([
    ['of a length', { 'Content-Length': 20 * MIB }, 'x', 1_800],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }, '1\r\nx\r\n', 0],
  ])(
    'a connection on which a refused body %s goes on coming is ended',
    async (_kind, header, piece, atLeastMs) => {
      const { port } = await startAxon();
      const client = openSocket(port);
      client.write(head('POST /nothing', header));
      const drip = setInterval(() => client.write(piece), 50);
      await until(() => client.text().includes('404 Not Found'));
      const refusedAt = performance.now();
      await client.closed;
      clearInterval(drip);
      expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(atLeastMs);
      // What is left of the time for the whole request, 15 s, would end it as well.
      expect(performance.now() - refusedAt).toBeLessThan(8_000);
    },
    25_000,
  );
});
