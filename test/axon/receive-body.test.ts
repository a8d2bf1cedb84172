import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBodyBudget } from '../../src/admission/body-budget.ts';
import type { ReceivedBody } from '../../src/answering/answerer.ts';
import { receiveBody } from '../../src/axon/receive-body.ts';
import { systemClock } from '../../src/clock.ts';
import { MinerError } from '../../src/errors.ts';
import { createTemporaryFolder } from '../../src/state/temporary-file.ts';
import { openSocket } from '../fixtures/axon.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';

const MIB = 1024 * 1024;

/** A server whose only request is received; its body is sent over a raw connection. */
async function setUp({
  limitBytes = 16 * MIB,
  totalBytes = 64 * MIB,
  prove = () => Promise.reject<boolean>(new MinerError('AXON_BUSY', 'too many wait')),
} = {}) {
  const path = temporaryFolderPath();
  const temporary = await createTemporaryFolder({ memoryFolder: path, diskFolder: path });
  const budget = createBodyBudget({ totalBytes, bodyLimitBytes: limitBytes, clock: systemClock });
  const stop = new AbortController();
  const server = createServer();
  const received = new Promise<IncomingMessage>((resolve) => server.once('request', resolve)).then(
    async (raw): Promise<ReceivedBody> => {
      const account = await budget.open({
        declaredBytes: undefined,
        remoteAddress: '127.0.0.1',
        hotkey: 'named',
        prove,
        evict: (reason) => stop.abort(reason),
      });
      return receiveBody(raw, { account, limitBytes, temporary, signal: stop.signal });
    },
  );
  received.catch(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await temporary.close();
  });
  const address = server.address();
  const client = openSocket(typeof address === 'object' && address !== null ? address.port : 0);
  const files = () =>
    readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const post = (headers: string, body: Buffer | string = '') => {
    client.write(`POST / HTTP/1.1\r\nHost: miner\r\n${headers}\r\n\r\n`);
    client.write(body);
  };
  return { received, client, post, files, stop, budget };
}

describe('a body', () => {
  it.each([
    ['nothing', 0, false],
    ['a picture', 100_000, false],
    ['a clip', 9 * MIB, true],
  ])(
    'a body of %s is hashed and kept whole, on disk only when it is large',
    async (_what, length, onDisk) => {
      const { received, post, files } = await setUp();
      const body = Buffer.alloc(length, 'media');
      post(`Content-Length: ${length}`, body);
      const kept = await received;
      expect(kept.length).toBe(length);
      expect(kept.sha256Hex).toBe(createHash('sha256').update(body).digest('hex'));
      expect(files()).toHaveLength(onDisk ? 1 : 0);
      expect((await kept.bytes()).equals(body)).toBe(true);
      const path = await kept.file();
      expect(readFileSync(path).equals(body)).toBe(true);
      await kept.remove();
      expect(existsSync(path)).toBe(false);
    },
  );

  it('a body in a file is not in memory too while its rest arrives', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const { received, post, budget, stop } = await setUp({ limitBytes: 128 * MIB, totalBytes: 256 * MIB });
    const sent = 64 * MIB;
    const part = Buffer.alloc(sent);
    const before = process.memoryUsage().arrayBuffers;
    post(`Content-Length: ${sent + 1}`, part);
    await until(() => budget.status().claimedBytes === sent);
    // Buffers are given back in the turn after the collection that finds them unused.
    await until(() => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers - before < sent / 4;
    });
    stop.abort(new MinerError('AXON_CLOSING', 'over'));
    await expect(received).rejects.toMatchObject({ code: 'AXON_CLOSING' });
  });

  it('a body in chunks of single bytes is kept whole', async () => {
    const { received, post } = await setUp();
    post('Transfer-Encoding: chunked', `${'1\r\nx\r\n'.repeat(50_000)}0\r\n\r\n`);
    expect((await (await received).bytes()).toString()).toBe('x'.repeat(50_000));
  });

  it('a body that is declared or found too large is refused', async () => {
    const announced = await setUp({ limitBytes: MIB });
    announced.post(`Content-Length: ${MIB + 1}`);
    await expect(announced.received).rejects.toMatchObject({ code: 'AXON_BODY_TOO_LARGE' });
    const found = await setUp({ limitBytes: MIB });
    found.post(
      'Transfer-Encoding: chunked',
      Buffer.concat([Buffer.from('200000\r\n'), Buffer.alloc(2 * MIB)]),
    );
    await expect(found.received).rejects.toMatchObject({ code: 'AXON_BODY_TOO_LARGE' });
  });

  it('a body without room for it is refused, and its file removed', async () => {
    const { received, post, files, budget } = await setUp({ totalBytes: 16 * MIB });
    const evict = () => undefined;
    const other = await budget.open({
      remoteAddress: '2.2.2.2',
      hotkey: 'other',
      declaredBytes: 1,
      prove: async () => true,
      evict,
    });
    other.confirm();
    await other.charge(10 * MIB);
    post(`Content-Length: ${9 * MIB}`, Buffer.alloc(9 * MIB));
    await expect(received).rejects.toMatchObject({ code: 'AXON_BUSY' });
    expect(files()).toEqual([]);
  });

  it.each([
    ['in memory', MIB],
    ['in a file', 6 * MIB],
  ])(
    'a body that is ended from outside while it is %s gives that reason and leaves nothing behind',
    async (_where, sent) => {
      const { received, post, files, stop, budget } = await setUp();
      post(`Content-Length: ${12 * MIB}`, Buffer.alloc(sent));
      await until(() => budget.status().claimedBytes === sent);
      stop.abort(new MinerError('AXON_BODY_TIMEOUT', 'too late'));
      await expect(received).rejects.toMatchObject({ code: 'AXON_BODY_TIMEOUT', message: 'too late' });
      expect(files()).toEqual([]);
    },
  );

  it.each(['end', 'resetAndDestroy'] as const)(
    'a body that breaks off with %s gives AXON_BODY_ABORTED',
    async (ending) => {
      const { received, post, client, budget } = await setUp();
      post('Content-Length: 1000', Buffer.alloc(500));
      await until(() => budget.status().claimedBytes === 500);
      client.socket[ending]();
      await expect(received).rejects.toMatchObject({ code: 'AXON_BODY_ABORTED' });
    },
  );

  it('a body that is large and slow is ended if its hotkey is not proven, also if the proof cannot be checked', async () => {
    const { received, post } = await setUp();
    post(`Content-Length: ${12 * MIB}`, Buffer.alloc(1000));
    await expect(received).rejects.toMatchObject({ code: 'AXON_BODY_TIMEOUT' });
  });

  it('a body that is small may come slowly', async () => {
    const { received, client, post } = await setUp();
    post('Content-Length: 4', 'so');
    // The rate is looked at every 4 seconds.
    setTimeout(() => client.write('me'), 4_500);
    expect((await (await received).bytes()).toString()).toBe('some');
  }, 15_000);

  it('a body that is large and slow is ended later if its hotkey is proven', async () => {
    const { received, post } = await setUp({ prove: async () => true });
    const startedAt = performance.now();
    post(`Content-Length: ${12 * MIB}`, Buffer.alloc(1000));
    await expect(received).rejects.toMatchObject({ code: 'AXON_BODY_TIMEOUT' });
    expect(performance.now() - startedAt).toBeGreaterThan(7_900);
  }, 15_000);
});
