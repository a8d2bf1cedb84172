import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAdminServer, type Readiness } from '../../src/admin/server.ts';
import { head, openSocket } from '../fixtures/axon.ts';
import { until } from '../fixtures/until.ts';
import { call } from '../fixtures/validator.ts';

async function start(readiness: () => Readiness = () => ({ ready: true, reasons: [], warnings: [] })) {
  const admin = createAdminServer({ readiness, status: () => ({ miner: { type: 'detector' } }) });
  onTestFinished(() => admin.close());
  return { admin, port: await admin.listen('127.0.0.1', 0) };
}

describe('the admin port', () => {
  it('the admin port is alive whether or not the miner is ready, and says why it is not', async () => {
    let ready = true;
    const { port } = await start(() => ({
      ready,
      reasons: ready ? [] : ['the model is loading'],
      warnings: [],
    }));
    expect((await call(port, '/readyz')).status).toBe(200);
    ready = false;
    const readyz = await call(port, '/readyz');
    expect([readyz.status, readyz.json()]).toEqual([
      503,
      { ready: false, reasons: ['the model is loading'], warnings: [] },
    ]);
    expect((await call(port, '/livez')).status).toBe(200);
  });

  it.each(['localhost', '127.0.0.1:9091', '127.8.8.8', '[::1]:9091', 'LOCALHOST:1'])(
    'the admin port answers as %s',
    async (host) => {
      const { port } = await start();
      const answer = await call(port, '/status', { headers: { Host: host } });
      expect(answer.json()).toEqual({ miner: { type: 'detector' } });
    },
  );

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '127.0.0.1@evil'])(
    'the admin port refuses a web page that reaches it as "%s"',
    async (host) => {
      const { port } = await start();
      const answer = await call(port, '/status', { headers: { Host: host } });
      expect(answer.status).toBe(403);
      expect(answer.body.toString()).not.toContain('detector');
    },
  );

  it('the admin port fails with the number of a taken port', async () => {
    const { port } = await start();
    const other = createAdminServer({
      readiness: () => ({ ready: true, reasons: [], warnings: [] }),
      status: () => ({}),
    });
    await expect(other.listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'AXON_PORT_IN_USE',
      message: expect.stringMatching(
        new RegExp(`^port ${port} on 127.0.0.1 is in use by .+ \\(process ${process.pid}\\)$`),
      ),
    });
    await other.close();
  });

  it('the admin port ends a connection that does not wait for its answers', async () => {
    const { port } = await start();
    const client = openSocket(port);
    client.write(head('GET /status', { Host: 'localhost' }).repeat(1_000));
    await client.ended;
    expect(client.text().split('HTTP/1.1 ').length - 1).toBeLessThanOrEqual(1);
  });

  it('the admin port ends a connection whose answer is not read', async () => {
    const admin = createAdminServer({
      readiness: () => ({ ready: true, reasons: [], warnings: [] }),
      status: () => ({ text: 'x'.repeat(50_000_000) }),
    });
    onTestFinished(() => admin.close());
    const client = openSocket(await admin.listen('127.0.0.1', 0));
    client.socket.pause();
    client.write(head('GET /status', { Host: 'localhost' }));
    // Only a reset tells a client that does not read that the server's socket is gone.
    const prod = setInterval(() => client.write('\r\n'), 200);
    await client.closed;
    clearInterval(prod);
  }, 20_000);

  it('the admin port ends a connection that never finishes its headers', async () => {
    const { port } = await start();
    const client = openSocket(port);
    client.write('GET /livez HTTP/1.1\r\nHost: local');
    const drip = setInterval(() => client.write('h'), 500);
    await client.ended;
    clearInterval(drip);
  }, 20_000);

  it('the admin port answers though another user holds as many connections as it takes', async () => {
    const { port } = await start();
    const crowd = Array.from({ length: 100 }, () => openSocket(port));
    await until(() => crowd.filter((one) => one.isEnded()).length === 36);
    expect((await call(port, '/livez')).status).toBe(200);
  });

  it('the admin port closes at once, though a connection says nothing, and leaves its port to others', async () => {
    const { admin, port } = await start();
    const silent = openSocket(port);
    expect((await call(port, '/livez')).status).toBe(200);
    await admin.close();
    await silent.ended;
    const next = createServer();
    await new Promise<void>((resolve) => next.listen(port, '127.0.0.1', resolve));
    await new Promise((resolve) => next.close(resolve));
  });
});
