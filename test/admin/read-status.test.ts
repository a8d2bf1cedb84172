import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { readStatus } from '../../src/admin/read-status.ts';
import { statusLines } from '../../src/admin/status-text.ts';

const ODD = 'a\u001b[31m\u009b2J\u202e\u2028\u007fb\nready';

/** What a miner tells, with odd words wherever others may have put them. */
const STATUS = {
  readiness: { ready: false, reasons: [ODD], warnings: [ODD] },
  miner: { type: ODD, hotkey: ODD, network: ODD, netuid: 34, pid: 1, uptimeSeconds: 5 },
  axon: { port: 8091 },
  chain: { registration: { state: 'unknown' }, heldAddress: { ip: ODD, port: 1, leadsHere: false } },
  validators: { meaning: ODD },
  models: { image: { state: ODD } },
  requests: { total: 0, byCode: {}, recent: [] },
};

it('the status of a miner holds nothing that a terminal obeys, and no line that another wrote', async () => {
  const server = createServer((_request, response) => response.end(JSON.stringify(STATUS)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const report = await readStatus(port, new AbortController().signal);
  if (report === undefined) throw new Error('the status was not read');
  const lines = statusLines(report, 0);
  expect(lines.join('')).toContain('a [31m 2J   b ready');
  expect(lines.join('')).not.toMatch(/\p{Cc}|[\u2028-\u202e]/u);
});
