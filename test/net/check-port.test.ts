import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkPort } from '../../src/net/check-port.ts';

const HOST = '127.0.0.1';

async function listenAnywhere(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen({ host: HOST, port: 0 });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** Another process that listens on a free port. */
async function startHolder(host: string): Promise<{ pid: number; port: number }> {
  const source = `const s = require('node:net').createServer().listen({ host: '${host}', port: 0 }, () => console.log(s.address().port))`;
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { pid: child.pid ?? 0, port: Number(line.toString()) };
}

describe('the look at a port', () => {
  it('a free port is found free, and stays free', async () => {
    const { server, port } = await listenAnywhere();
    server.close();
    await once(server, 'close');
    await checkPort({ host: HOST, port, replacing: [] });
    await checkPort({ host: HOST, port, replacing: [] });
  });

  it.each(['127.0.0.1', '0.0.0.0', '::'])(
    'the error names the process that holds the port on %s',
    async (host) => {
      const { pid, port } = await startHolder(host);
      await expect(checkPort({ host: '0.0.0.0', port, replacing: [] })).rejects.toMatchObject({
        code: 'AXON_PORT_IN_USE',
        message: `port ${port} on 0.0.0.0 is in use by node (process ${pid})`,
      });
    },
  );

  it('a port of the replaced process counts as free', async () => {
    const { pid, port } = await startHolder(HOST);
    await checkPort({ host: HOST, port, replacing: [pid] });
    await expect(checkPort({ host: HOST, port, replacing: [1] })).rejects.toMatchObject({
      code: 'AXON_PORT_IN_USE',
    });
  });

  it('an address of another host is an error', async () => {
    // TEST-NET-3 of RFC 5737: no host has it.
    await expect(checkPort({ host: '203.0.113.9', port: 8091, replacing: [] })).rejects.toMatchObject({
      code: 'AXON_ADDRESS_UNAVAILABLE',
      message: '203.0.113.9 is not an address of this host',
    });
  });
});
