import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startMiner } from '../fixtures/miner.ts';
import { call, createValidator } from '../fixtures/validator.ts';

let running: RunningMiner;
let port: number;
let jpeg: Buffer;
let alice: ReturnType<typeof createValidator>;

beforeAll(async () => {
  running = await startMiner();
  port = running.port;
  jpeg = await makeJpeg({ width: 200, height: 100, seed: 1 });
  alice = createValidator('//Alice');
}, 60_000);
afterAll(() => running.close());
// Whatever was refused, the miner goes on answering.
afterEach(async () => {
  expect((await alice.post(port, '/detect_image', jpeg)).status).toBe(200);
});

type Options = Parameters<typeof alice.post>[3];
const outcome = async (body: Buffer, options?: Options, caller = alice, path = '/detect_image') => {
  const answer = await caller.post(port, path, body, options);
  return [answer.status, answer.json().code];
};

describe('a caller', () => {
  it('a caller with too little stake is refused', async () => {
    expect(await outcome(jpeg, {}, createValidator('//Charlie'))).toEqual([401, 'AXON_SIGNER_STAKE']);
  });

  it('a caller that is not registered is refused', async () => {
    expect(await outcome(jpeg, {}, createValidator('//Dave'))).toEqual([401, 'AXON_SIGNER_UNKNOWN']);
  });

  it('a caller is served once it has registered with enough stake, without waiting for the next reading', async () => {
    const { address } = createValidator('//Dave');
    running.devnet.register(address, { stakeTao: 20_000 });
    expect(await outcome(jpeg, {}, createValidator('//Dave'))).toEqual([200, undefined]);
    running.devnet.deregister(address);
  });
});

describe('a request', () => {
  it('a request sent twice is refused the second time', async () => {
    const options = { uuid: randomUUID() };
    expect(await outcome(jpeg, options)).toEqual([200, undefined]);
    expect(await outcome(jpeg, options)).toEqual([400, 'AXON_REPLAY']);
  });

  it('a request whose copy was sent to the path of another task first is served, and no copy on the path of the same task', async () => {
    const body = jpeg;
    const headers = alice.sign({ body });
    const send = (path: string) => call(port, path, { method: 'POST', headers, body });
    expect((await send('/detect_video')).json().code).not.toBe('AXON_REPLAY');
    expect((await send('/detect_image')).status).toBe(200);
    expect((await send('/detect_Modality.IMAGE')).json().code).toBe('AXON_REPLAY');
    expect((await send('/detect_video')).json().code).toBe('AXON_REPLAY');
  });

  it('a request with one byte changed is refused', async () => {
    const changed = Buffer.from(jpeg);
    changed.writeUInt8(changed.readUInt8(100) ^ 1, 100);
    const answer = await call(port, '/detect_image', {
      method: 'POST',
      body: changed,
      headers: alice.sign({ body: jpeg }),
    });
    expect(answer.status).toBe(400);
    expect(answer.json()).toEqual({ detail: 'Signature Mismatch', code: 'AXON_SIGNATURE_MISMATCH' });
  });

  it('a request for another receiver is refused', async () => {
    const { address } = createValidator('//Charlie');
    expect(await outcome(jpeg, { receiver: address })).toEqual([400, 'AXON_WRONG_RECEIVER']);
  });

  it('a request that is stale, or dated too far ahead, is refused', async () => {
    expect(await outcome(jpeg, { timestampMs: Date.now() - 8_001 })).toEqual([400, 'AXON_STALE']);
    expect(await outcome(jpeg, { timestampMs: Date.now() + 61_000 })).toEqual([400, 'AXON_FUTURE']);
    expect(await outcome(jpeg, { timestampMs: Date.now() + 50_000 })).toEqual([200, undefined]);
  });

  it.each([
    ['Epistula-Version', '1', 'AXON_VERSION_UNKNOWN'],
    ['Epistula-Timestamp', 'now', 'AXON_HEADER_INVALID'],
    ['Epistula-Uuid', 'x', 'AXON_HEADER_INVALID'],
    ['Epistula-Signed-By', 'Alice', 'AXON_HEADER_INVALID'],
    ['Epistula-Request-Signature', '0x00', 'AXON_HEADER_INVALID'],
  ])('a request with a malformed %s is refused', async (name, value, code) => {
    expect(await outcome(jpeg, { headers: { [name]: value } })).toEqual([400, code]);
  });

  it('a request that is signed by another hotkey than it names is refused', async () => {
    const forged = { ...createValidator('//Dave').sign({ body: jpeg }), 'Epistula-Signed-By': alice.address };
    const answer = await call(port, '/detect_image', { method: 'POST', body: jpeg, headers: forged });
    expect([answer.status, answer.json().code]).toEqual([400, 'AXON_SIGNATURE_MISMATCH']);
  });
});

describe('copies of one request in flight at once', () => {
  it('copies of one request in flight at once whose bodies end at 1, 9 and 10 s give one 200 and two 400', async () => {
    const headers = alice.sign({ body: jpeg });
    const copy = (endsAfterMs: number) =>
      call(port, '/detect_image', {
        method: 'POST',
        body: jpeg,
        headers,
        send: async (request, body) => {
          request.write(body.subarray(0, 10));
          await sleep(endsAfterMs);
          request.write(body.subarray(10));
        },
      });
    const answers = await Promise.all([copy(1_000), copy(9_000), copy(10_000)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400]);
    expect(answers.slice(1).map((answer) => answer.json().code)).toEqual(['AXON_REPLAY', 'AXON_REPLAY']);
  }, 30_000);
});

describe('a body', () => {
  it('a body that is declared larger than the limit is refused before it is sent', async () => {
    const answer = await call(port, '/detect_image', {
      method: 'POST',
      body: jpeg,
      headers: { ...alice.sign({ body: jpeg }), 'Content-Length': String(200 * 1024 * 1024) },
      send: () => new Promise(() => undefined),
    });
    expect([answer.status, answer.json().code]).toEqual([413, 'AXON_BODY_TOO_LARGE']);
  });

  it('a body that never ends is given up after 11 seconds', async () => {
    const answer = await call(port, '/detect_image', {
      method: 'POST',
      body: jpeg,
      headers: alice.sign({ body: jpeg }),
      send: (request, body) => {
        request.write(body.subarray(0, 10));
        return new Promise(() => undefined);
      },
    });
    expect([answer.status, answer.json().code]).toEqual([408, 'AXON_BODY_TIMEOUT']);
  }, 30_000);

  it('a body that comes in chunks is read, unless the chunks are tiny', async () => {
    const chunked = (body: Buffer, chunkBytes: number) =>
      call(port, '/detect_image', {
        method: 'POST',
        body,
        headers: { ...alice.sign({ body }), 'Transfer-Encoding': 'chunked' },
        send: async (request) => {
          for (let at = 0; at < body.length && request.writable; at += chunkBytes) {
            if (!request.write(body.subarray(at, at + chunkBytes))) await sleep(1);
          }
        },
      });
    expect((await chunked(jpeg, 1_000)).status).toBe(200);
    const refused = await chunked(Buffer.alloc(300_000), 1);
    expect([refused.status, refused.json().code]).toEqual([400, 'AXON_REQUEST_INVALID']);
  });

  it('a body that is no picture is refused', async () => {
    expect(await outcome(Buffer.from('no picture at all'))).toEqual([415, 'MEDIA_UNSUPPORTED']);
    expect(await outcome(Buffer.alloc(0))).toEqual([415, 'MEDIA_UNSUPPORTED']);
    expect(await outcome(jpeg.subarray(0, jpeg.length / 2))).toEqual([422, 'MEDIA_UNDECODABLE']);
  });

  it('a body that is no clip is refused', async () => {
    const clip = await makeClip({ width: 64, height: 48, frames: 8, seed: 3 });
    const ask = (body: Buffer) => outcome(body, {}, alice, '/detect_video');
    expect(await ask(jpeg)).toEqual([415, 'MEDIA_UNSUPPORTED']);
    expect(await ask(clip.subarray(0, clip.length / 2))).toEqual([422, 'MEDIA_UNDECODABLE']);
  });
});

describe('what is not even HTTP', () => {
  it('a request that is not HTTP is refused in the same form', async () => {
    const answer = await call(port, '/', { headers: { 'X-Large': 'x'.repeat(70_000) } });
    expect([answer.status, answer.json().code]).toEqual([431, 'AXON_REQUEST_INVALID']);
  });
});
