import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { head, openSocket, startAxon } from '../fixtures/axon.ts';
import { until } from '../fixtures/until.ts';
import { call, createValidator } from '../fixtures/validator.ts';

const MIB = 1024 * 1024;

/** Writes until all is sent or the connection is gone. */
async function pour(socket: Socket, chunk: Buffer, times: number): Promise<number> {
  for (let sent = 0; sent < times; sent++) {
    if (socket.destroyed) return sent;
    if (socket.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }
  return times;
}

describe('a connection on which nothing comes of it', () => {
  it('is ended after what is not HTTP, though the other side stays open', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    client.write('nonsense\r\n\r\n');
    await until(() => client.text().includes('AXON_REQUEST_INVALID'));
    // Only a reset tells a client that keeps its half open that the server's socket is gone.
    const prod = setInterval(() => client.write('x'), 200);
    await client.closed;
    clearInterval(prod);
    expect(client.text()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it('is ended when it says nothing for ten seconds', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    await client.ended;
    expect(client.text()).toContain('408 Request Timeout');
  }, 20_000);

  it('is ended when its answers are not read', async () => {
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

  it('is ended by a second request while the first is open, and the first is given up', async () => {
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

  it('is ended by requests that do not wait for answers, of which it gets one at most', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    client.write(head('GET /', {}).repeat(1_000));
    await client.ended;
    expect(client.text().split('HTTP/1.1 ').length - 1).toBeLessThanOrEqual(1);
  });

  it('does not hold up the shutdown, be it silent or in the middle of its headers', async () => {
    const { port, axon } = await startAxon();
    const silent = openSocket(port);
    const slow = openSocket(port);
    slow.write('POST /detect_image HTTP/1.1\r\nHost: mi');
    const served = openSocket(port);
    served.write(head('GET /', {}));
    await until(() => served.text().endsWith('200'));
    await axon.close();
    await Promise.all([silent.ended, slow.ended, served.ended]);
  });

  it('gives way to others when its address has opened too many', async () => {
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
  it('is ended when its headers take longer than ten seconds, before the whole request would have to be there', async () => {
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
    'on which a refused body %s goes on coming is ended',
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

describe('one address', () => {
  it('that asks without signature again and again is told to ask less, and a signed request of it is served', async () => {
    const { port } = await startAxon();
    const statuses = new Map<number, number>();
    for (let index = 0; index < 460; index += 20) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, nth) =>
          nth % 2 === 0 ? call(port, '/') : call(port, '/detect_image', { method: 'POST' }),
        ),
      );
      for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect([...statuses.keys()].sort()).toEqual([200, 400, 429]);
    let refused = await call(port, '/');
    while (refused.status !== 429) refused = await call(port, '/');
    expect(refused.json()).toMatchObject({ code: 'AXON_RATE' });
    const signed = await createValidator('//Alice').post(port, '/detect_image', Buffer.from('picture'));
    expect(signed.status).toBe(200);
  });

  it('that puts a signature on a request that needs none is counted all the same', async () => {
    const { port } = await startAxon();
    const headers = createValidator('//Alice').sign();
    let answer = await call(port, '/', { headers });
    for (let index = 0; index < 1_000 && answer.status === 200; index++)
      answer = await call(port, '/', { headers });
    expect(answer.status).toBe(429);
  }, 20_000);

  it('has at most half of the requests that may be open', async () => {
    const { port } = await startAxon({
      maxOpenRequests: 4,
      answer: (_task, _body, { deadline }) =>
        new Promise((_resolve, reject) => {
          deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason));
        }),
    });
    const alice = createValidator('//Alice');
    const open = [1, 2].map(() => {
      const body = Buffer.from('picture');
      const client = openSocket(port);
      client.write(head('POST /detect_image', { ...alice.sign({ body }), 'Content-Length': body.length }));
      client.write(body);
      return client;
    });
    await until(async () => (await call(port, '/')).status === 503);
    expect((await call(port, '/')).json()).toMatchObject({ code: 'AXON_BUSY' });
    for (const { socket } of open) socket.destroy();
    await until(async () => (await call(port, '/')).status === 200);
  });
});

describe('one signed request', () => {
  it('is served once for each task, whichever of its paths it is sent to', async () => {
    const { port } = await startAxon();
    const body = Buffer.alloc(0);
    const headers = { ...createValidator('//Alice').sign({ body }) };
    const statuses: number[] = [];
    for (const path of [
      '/detect_video',
      '/detect_image',
      '/detect_Modality.IMAGE',
      '/detect_Modality.VIDEO',
    ]) {
      statuses.push((await call(port, path, { method: 'POST', headers, body })).status);
    }
    for (const _ of [1, 2]) statuses.push((await call(port, '/miner_info', { headers })).status);
    expect(statuses).toEqual([200, 200, 400, 400, 200, 400]);
  });
});

describe('a refusal', () => {
  it('is read by a caller that goes on sending, and the connection can be used again', async () => {
    const { port } = await startAxon();
    const body = Buffer.alloc(20 * MIB);
    const client = openSocket(port);
    client.write(
      head('POST /detect_video', {
        ...createValidator('//Dave').sign({ body }),
        'Content-Length': body.length,
      }),
    );
    expect(await pour(client.socket, body.subarray(0, MIB), 20)).toBe(20);
    client.write(head('GET /', {}));
    await until(() => client.text().endsWith('\r\n\r\n200'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  });

  it('in the middle of a body lets the rest flow by', async () => {
    const { port, filesPath, budget, records } = await startAxon({ bodyLimitBytes: 24 * MIB });
    const client = openSocket(port);
    client.write(
      head('POST /detect_video', {
        ...createValidator('//Alice').sign(),
        'Transfer-Encoding': 'chunked',
      }),
    );
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB), Buffer.from('\r\n')]);
    expect(await pour(client.socket, chunk, 36)).toBe(36);
    client.write(`0\r\n\r\n${head('GET /', {})}`);
    await until(() => client.text().endsWith('\r\n\r\n200'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
    expect(records.map(({ code }) => code)).toEqual(['AXON_BODY_TOO_LARGE']);
    expect(budget.status()).toMatchObject({ claimedBytes: 0, claimedUploads: 0 });
    expect(filesOf(filesPath)).toEqual([]);
  });

  it('ends the connection of a caller that never stops sending', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    client.write(head('POST /nothing', { 'Transfer-Encoding': 'chunked' }));
    const drip = setInterval(() => client.write('1\r\nx\r\n'), 100);
    await client.closed;
    clearInterval(drip);
    expect(client.text()).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  });

  it.each(['/%zz', '/detect_image%'])('of the path %s has the form of all others', async (path) => {
    const { port } = await startAxon();
    const answer = await call(port, path, { method: 'POST' });
    expect([answer.status, answer.json()]).toEqual([
      400,
      { detail: 'Bad Request', code: 'AXON_REQUEST_INVALID' },
    ]);
  });
});

describe('an upload that breaks off', () => {
  const stages: ReadonlyArray<[string, number]> = [
    ['before its body', 0],
    ['in memory', 1000],
    ['in a file', 6 * MIB],
  ];
  it.each(stages)('%s leaves nothing behind', async (_stage, sent) => {
    const { port, filesPath, budget, records } = await startAxon();
    for (const ending of ['resetAndDestroy', 'end'] as const) {
      const client = openSocket(port);
      client.write(
        head('POST /detect_video', { ...createValidator('//Alice').sign(), 'Content-Length': 10 * MIB }),
      );
      await pour(client.socket, Buffer.alloc(1000), sent / 1000);
      await until(() => budget.status().claimedBytes >= sent - 1000 && budget.status().claimedUploads === 1);
      client.socket[ending]();
      await until(() => budget.status().claimedUploads === 0);
      await until(() => filesOf(filesPath).length === 0);
    }
    await until(() => records.length === 2);
    expect(records.map(({ code }) => code)).toEqual(['AXON_BODY_ABORTED', 'AXON_BODY_ABORTED']);
  });
});

/** Bodies that lie in the temporary folders. */
function filesOf(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'served.log')
    .map(({ name }) => name);
}
