import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Answerer } from '../../src/answering/answerer.ts';
import { sendPrediction, untilTaken } from '../../src/axon/replies.ts';
import { head, openSocket, startAxon } from '../fixtures/axon.ts';
import { createDendrite, synapseJson } from '../fixtures/dendrite.ts';
import { until } from '../fixtures/until.ts';
import { call, createValidator } from '../fixtures/validator.ts';

const MIB = 1024 * 1024;
/** Much more than the kernel keeps for a connection. */
const MASK = { kind: 'mask', height: 4096, width: 4096, float16le: Buffer.alloc(32 * MIB, 1) } as const;

/** Charges for its answer as the miner's own does. */
const large: Answerer['answer'] = async (_task, _media, { room }) => {
  room.charge(MASK.float16le.length);
  return MASK;
};

/** A port on which every path sends the mask, with what became of each. */
async function startSending(remainingMs: number, float16le: Buffer = MASK.float16le) {
  const outcomes: Array<{ code: string | undefined }> = [];
  let turns = 0;
  const writtenBytes: number[] = [];
  const app = Fastify();
  app.get('/', async (_request, reply) => {
    let counting = true;
    const count = () => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const written = vi.spyOn(reply.raw, 'write');
    reply.raw.once('close', () => writtenBytes.push(...written.mock.calls.map(([chunk]) => chunk.length)));
    return untilTaken(sendPrediction(reply, { ...MASK, float16le }), { remainingMs: () => remainingMs }).then(
      (sent) => {
        counting = false;
        outcomes.push({ code: undefined });
        return sent;
      },
      (error: { code?: string }) => {
        counting = false;
        outcomes.push({ code: error.code });
        return reply;
      },
    );
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => app.close());
  return { port: (app.server.address() as AddressInfo).port, outcomes, turns: () => turns, writtenBytes };
}

/** Asks for a picture's answer and reads nothing of it. */
function askWithoutReading(port: number) {
  const body = Buffer.from('picture');
  const client = openSocket(port);
  client.socket.pause();
  const headers = { ...createValidator('//Alice').sign({ body }), 'Content-Length': body.length };
  client.write(head('POST /detect_image', headers));
  client.write(body);
  return client;
}

describe('a large mask', () => {
  it('a large mask arrives byte for byte, with its length and its shape', async () => {
    const float16le = randomBytes(3 * MIB + 2);
    const { port, outcomes } = await startSending(10_000, float16le);
    const answer = await call(port, '/');
    expect(answer.body.equals(float16le)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-length': `${float16le.length}`,
      'content-type': 'application/octet-stream',
      'x-mask-shape': '4096,4096',
      'x-mask-dtype': 'float16',
    });
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual([{ code: undefined }]);
  });

  it('a large mask is written in pieces, between which other work has its turn', async () => {
    const { port, turns, writtenBytes } = await startSending(20_000);
    await call(port, '/');
    await until(() => writtenBytes.length > 0);
    expect(turns()).toBeGreaterThanOrEqual(64);
    expect(Math.max(...writtenBytes)).toBeLessThanOrEqual(MIB);
  });

  it('a large mask that is not read is cut off when its caller gives up', async () => {
    const { port, outcomes } = await startSending(200);
    const client = openSocket(port);
    client.socket.pause();
    client.write(head('GET /', {}));
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual([{ code: 'ADMISSION_DEADLINE' }]);
    // Only a reset tells a client that does not read that the server's socket is gone.
    const prod = setInterval(() => client.write('\r\n'), 50);
    await client.closed;
    clearInterval(prod);
  });

  it('a large mask whose caller goes away is given up', async () => {
    const { port, outcomes } = await startSending(20_000);
    const client = openSocket(port);
    client.write(head('GET /', {}));
    await until(() => client.text().includes('X-Mask-Shape') || client.text().includes('x-mask-shape'));
    client.socket.destroy();
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual([{ code: 'AXON_BODY_ABORTED' }]);
  });
});

describe('the room that answers take', () => {
  it('the room of an answer is held until the answer is read, and an answer without room is refused', async () => {
    const { port, answers, records } = await startAxon({ answer: large });
    const clients = Array.from({ length: 4 }, () => askWithoutReading(port));
    // Half of 256 MiB is one caller's.
    await until(() => answers.status().bytes === 128 * MIB);
    const refused = await createValidator('//Alice').post(port, '/detect_image', Buffer.from('another'));
    expect([refused.status, refused.json().code]).toEqual([503, 'AXON_BUSY']);
    for (const { socket } of clients) socket.resume();
    await until(() => answers.status().bytes === 0);
    await until(() => records.length === 5);
    expect(records.map(({ code }) => code).sort()).toEqual(['AXON_BUSY', 'OK', 'OK', 'OK', 'OK']);
  });

  it('the room of an answer comes back if the caller goes away, and if there is no answer', async () => {
    const { port, answers, records } = await startAxon({ answer: large });
    const client = askWithoutReading(port);
    await until(() => answers.status().bytes === 32 * MIB);
    client.socket.destroy();
    await until(() => answers.status().bytes === 0 && records.length === 1);
    expect(records[0]?.code).toBe('AXON_BODY_ABORTED');

    const failing = await startAxon({
      answer: async (_task, _media, { room }) => {
        room.charge(1000);
        throw new Error('no answer');
      },
    });
    await createValidator('//Alice').post(failing.port, '/detect_image', Buffer.from('picture'));
    await until(() => failing.answers.status().bytes === 0);
  });

  it('the room of an answer counts the media that a synapse gives back', async () => {
    let bytes = 0;
    const { port, answers } = await startAxon({
      answer: async () => {
        bytes = answers.status().bytes;
        return { kind: 'probabilities', values: [1, 0, 0] };
      },
    });
    const body = synapseJson('ImageSynapse', Buffer.alloc(3 * MIB).toString('base64'));
    const answer = await createDendrite('//Alice').post(port, '/ImageSynapse', body);
    expect(answer.status).toBe(200);
    expect(bytes).toBe(body.length);
    await until(() => answers.status().bytes === 0);
  });
});
