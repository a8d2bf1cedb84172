import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
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

describe('one address', () => {
  it('an address that asks again and again without a signature gets 429, and its signed requests are served', async () => {
    const { port } = await startAxon();
    const statuses = new Map<number, number>();
    // Credit comes back meanwhile: a slow machine asks more often than 400 times.
    for (let index = 0; index < 4_000 && !statuses.has(429); index += 20) {
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
    // Far more than the rate lets through meanwhile.
    const alice = createValidator('//Alice');
    const signed = await Promise.all(
      Array.from({ length: 60 }, () => alice.post(port, '/detect_image', Buffer.from('picture'))),
    );
    expect(new Set(signed.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('a signature on a path that needs none does not escape the rate of an address', async () => {
    const { port } = await startAxon();
    const headers = createValidator('//Alice').sign();
    let answer = await call(port, '/', { headers });
    for (let index = 0; index < 1_000 && answer.status === 200; index++)
      answer = await call(port, '/', { headers });
    expect(answer.status).toBe(429);
  }, 20_000);

  it('one address has at most half of all open requests', async () => {
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
  it('one signed request is served after a copy with another body was refused, and then once', async () => {
    const { port } = await startAxon();
    const body = Buffer.from('picture');
    const headers = { ...createValidator('//Alice').sign({ body }) };
    const outcomes: unknown[] = [];
    for (const sent of [Buffer.from('another'), body, body]) {
      const answer = await call(port, '/detect_image', { method: 'POST', headers, body: sent });
      outcomes.push(answer.json().code ?? answer.status);
    }
    expect(outcomes).toEqual(['AXON_SIGNATURE_MISMATCH', 200, 'AXON_REPLAY']);
  });

  it('one signed request is served once for each task, whichever of its paths it is sent to', async () => {
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
  it('a refusal is read by a caller that goes on sending, and the connection can be used again', async () => {
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

  it('after a refusal in the middle of a body the rest is read and dropped', async () => {
    const { port, filesPath, budget, records } = await startAxon({ bodyLimitBytes: 8 * MIB });
    const client = openSocket(port);
    client.write(
      head('POST /detect_video', {
        ...createValidator('//Alice').sign(),
        'Transfer-Encoding': 'chunked',
      }),
    );
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB), Buffer.from('\r\n')]);
    expect(await pour(client.socket, chunk, 9)).toBe(9);
    await until(() => client.text().startsWith('HTTP/1.1 413 Payload Too Large\r\n'));
    // The rest is little, since it must come within a tenth of a second.
    client.write(`0\r\n\r\n${head('GET /', {})}`);
    await until(() => client.text().endsWith('\r\n\r\n200'));
    expect(records.map(({ code }) => code)).toEqual(['AXON_BODY_TOO_LARGE']);
    expect(budget.status()).toMatchObject({ claimedBytes: 0, claimedUploads: 0 });
    expect(filesOf(filesPath)).toEqual([]);
  });

  it('a refusal ends the connection of a caller that never stops sending', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    client.write(head('POST /nothing', { 'Transfer-Encoding': 'chunked' }));
    const drip = setInterval(() => client.write('1\r\nx\r\n'), 100);
    await client.closed;
    clearInterval(drip);
    expect(client.text()).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  });

  it.each(['/%zz', '/detect_image%'])('a refusal of the path %s has the form of all others', async (path) => {
    const { port } = await startAxon();
    const answer = await call(port, path, { method: 'POST' });
    expect([answer.status, answer.json()]).toEqual([
      400,
      { detail: 'Bad Request', code: 'AXON_REQUEST_INVALID' },
    ]);
  });
});

it('an upload leaves the room of claimed uploads when it is verified, and its file when it is answered', async () => {
  const { port, filesPath, budget } = await startAxon({
    answer: async () => {
      expect(filesOf(filesPath)).toHaveLength(1);
      expect(budget.status()).toMatchObject({ claimedUploads: 0, provenBytes: 6 * MIB });
      return { kind: 'probabilities', values: [1, 0, 0] };
    },
  });
  const body = Buffer.alloc(6 * MIB);
  expect((await createValidator('//Alice').post(port, '/detect_video', body)).status).toBe(200);
  await until(() => filesOf(filesPath).length === 0);
  expect(budget.status()).toMatchObject({ claimedBytes: 0, provenBytes: 0 });
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

it.skipIf(!hasIpv6)('uploads from one host of IPv6 share the room of an address', async () => {
  const { port, budget } = await startAxon({ host: '::1' });
  const open = vi.spyOn(budget, 'open');
  await createValidator('//Alice').post(port, '/detect_image', Buffer.from('picture'), { host: '::1' });
  expect(open.mock.calls.map(([{ remoteAddress }]) => remoteAddress)).toEqual(['0:0:0:0::/64']);
});

describe('an upload that breaks off', () => {
  const stages: ReadonlyArray<[string, number]> = [
    ['before its body', 0],
    ['in memory', 1000],
    ['in a file', 6 * MIB],
  ];
  it.each(stages)('an upload that breaks off %s leaves nothing behind', async (_stage, sent) => {
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
