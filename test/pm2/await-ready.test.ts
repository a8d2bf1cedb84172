import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { awaitReady } from '../../src/pm2/await-ready.ts';
import type { Pm2Process } from '../../src/pm2/process-list.ts';

const HELD = { ip: '203.0.113.9', port: 8091, leadsHere: true };
const REGISTERED = { state: 'registered', uid: 1 };

interface Facts {
  readonly pid: number;
  readonly ready?: boolean;
  readonly registration?: object;
  readonly model?: string;
}

/** What the admin port of a miner answers, as far as it is read. */
function report({ pid, ready = true, registration = REGISTERED, model = 'ready' }: Facts) {
  return {
    readiness: { ready, reasons: ready ? [] : ['a reason'], warnings: [] },
    miner: { type: 'detector', hotkey: '5F', network: 'local', netuid: 34, pid, uptimeSeconds: 1 },
    axon: { port: 8091 },
    chain: { registration, heldAddress: HELD },
    validators: null,
    models: { image: { state: model } },
    requests: { total: 0, byCode: {}, recent: [] },
  };
}

async function serve(answer: () => object): Promise<number> {
  const server = createServer((_request, response) => response.end(JSON.stringify(answer())));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** A process that does nothing, in place of the miner. */
function startProcess(): ChildProcess {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

const listed = (facts: Partial<Pm2Process>): Pm2Process => ({
  id: 0,
  name: 'sn34-miner',
  pid: undefined,
  status: 'online',
  cwd: '/',
  exitCode: undefined,
  restarts: 0,
  hotkey: undefined,
  adminPort: undefined,
  ...facts,
});

function wait(
  adminPort: number,
  list: () => Pm2Process[],
  { waitMs = 20_000, mayBeUnregistered = true } = {},
) {
  return awaitReady({
    pm2: { list: async () => list() },
    name: 'sn34-miner',
    adminPort,
    mayBeUnregistered,
    waitMs,
    clock: systemClock,
    signal: new AbortController().signal,
  });
}

describe('a miner that was started under pm2', () => {
  it('is waited for until it is ready', async () => {
    const { pid = 0 } = startProcess();
    const answers = [report({ pid, ready: false }), report({ pid, ready: false }), report({ pid })];
    const port = await serve(() => (answers.length > 1 ? answers.shift() : answers[0]) ?? {});
    expect(await wait(port, () => [listed({ pid })])).toMatchObject({
      kind: 'ready',
      report: { miner: { pid } },
    });
    expect(answers).toHaveLength(1);
  });

  it.each([
    { state: 'unregistered', burnTao: 0.1 },
    { state: 'deregistered', formerUid: 3, takenBy: null, burnTao: 0.1 },
  ])('ends the wait if it could answer and is $state', async (registration) => {
    const { pid = 0 } = startProcess();
    const unready = { pid, ready: false, registration };
    const answers = [report({ ...unready, model: 'warming' }), report(unready)];
    const port = await serve(() => (answers.length > 1 ? answers.shift() : answers[0]) ?? {});
    expect(await wait(port, () => [listed({ pid })])).toMatchObject({ kind: 'unregistered' });
    expect(answers).toHaveLength(1);
  });

  it('does not end the wait while it is unregistered, if its settings let it end for that', async () => {
    const { pid = 0 } = startProcess();
    const registration = { state: 'unregistered', burnTao: 0.1 };
    const port = await serve(() => report({ pid, ready: false, registration }));
    const options = { waitMs: 600, mayBeUnregistered: false };
    expect(await wait(port, () => [listed({ pid })], options)).toMatchObject({ kind: 'trying' });
  });

  it('is not confused with another miner that answers on its admin port', async () => {
    const { pid = 0 } = startProcess();
    const port = await serve(() => report({ pid: pid + 1 }));
    expect(await wait(port, () => [listed({ pid })], { waitMs: 600 })).toEqual({
      kind: 'trying',
      report: undefined,
      restarts: 0,
    });
  });

  it('ends the wait as still trying, with its reasons, if it is not ready in time', async () => {
    const { pid = 0 } = startProcess();
    const port = await serve(() => report({ pid, ready: false }));
    expect(await wait(port, () => [listed({ pid })], { waitMs: 600 })).toMatchObject({
      kind: 'trying',
      report: { readiness: { reasons: ['a reason'] } },
    });
  });

  it('has ended if pm2 leaves it stopped because of its exit code', async () => {
    const child = startProcess();
    const port = await serve(() => ({}));
    const list = () =>
      child.exitCode === null && child.signalCode === null
        ? [listed({ pid: child.pid })]
        : [listed({ status: 'waiting restart', exitCode: 14 })];
    const waiting = wait(port, list);
    child.kill('SIGKILL');
    expect(await waiting).toEqual({ kind: 'ended', exitCode: 14 });
  });

  it('is followed to the process that pm2 starts in place of one that crashed', async () => {
    const { pid = 0 } = startProcess();
    const lists = [
      [listed({ status: 'waiting restart', exitCode: 1 })],
      [listed({ pid, restarts: 1, exitCode: 1 })],
    ];
    const port = await serve(() => report({ pid }));
    expect(await wait(port, () => lists.shift() ?? [])).toMatchObject({ kind: 'ready' });
  });

  it.each(['launching', 'online'])(
    'has not ended while pm2 calls it %s and has no pid of it yet',
    async (status) => {
      const { pid = 0 } = startProcess();
      const lists = [[listed({ status })], [listed({ pid })]];
      const port = await serve(() => report({ pid }));
      expect(await wait(port, () => lists.shift() ?? [])).toMatchObject({ kind: 'ready' });
    },
  );

  it.each([
    ['was stopped', [listed({ status: 'stopped', exitCode: 0 })], 0],
    ['was given up', [listed({ status: 'errored', exitCode: 1 })], 1],
    ['was deleted', [], undefined],
  ])('has ended if it %s meanwhile', async (_how, list, exitCode) => {
    expect(await wait(await serve(() => ({})), () => list)).toEqual({ kind: 'ended', exitCode });
  });
});
