import { deflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createDendrite,
  EMPTY_BODY_HASH,
  encodeBase85,
  encodeFrames,
  nowNs,
  synapseJson,
} from '../fixtures/dendrite.ts';
import { makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startDevnet, startMiner } from '../fixtures/miner.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { BOB, call, createValidator } from '../fixtures/validator.ts';

let running: RunningMiner;
let port: number;
let jpeg: Buffer;
let frames: Buffer[];
let alice: ReturnType<typeof createDendrite>;

beforeAll(async () => {
  running = await startMiner();
  port = running.port;
  frames = await Promise.all(
    Array.from({ length: 10 }, (_, seed) => makeJpeg({ width: 96, height: 64, seed })),
  );
  jpeg = frames[0] as Buffer;
  alice = createDendrite('//Alice');
}, 60_000);
afterAll(() => running.close());

type Options = Parameters<typeof alice.post>[3];
const askImage = (options?: Options, caller = alice) =>
  caller.post(port, '/ImageSynapse', synapseJson('ImageSynapse', jpeg.toString('base64')), options);
const askVideo = (video: string) => alice.post(port, '/VideoSynapse', synapseJson('VideoSynapse', video));
const outcome = async (options?: Options, caller = alice) => {
  const answer = await askImage(options, caller);
  return [answer.status, answer.json().message];
};
const refusedAs = (reason: string) => [401, `Not Verified with error: ${reason}`];

// Whatever was refused, the miner goes on answering.
afterEach(async () => {
  expect(await outcome()).toEqual([200, undefined]);
});

describe('an ImageSynapse', () => {
  it('an ImageSynapse is answered as the same picture is by Epistula', async () => {
    const answer = await askImage();
    const epistula = await createValidator('//Alice').post(port, '/detect_image', jpeg);
    expect(answer.json().prediction).toEqual(epistula.json().prediction);
    expect(answer.json()).toMatchObject({
      name: 'ImageSynapse',
      testnet_label: -1,
      image: jpeg.toString('base64'),
      dendrite: { nonce: null },
    });
  });

  it('an ImageSynapse is answered with the headers that make it a success for a dendrite', async () => {
    const nonce = nowNs() + 789n;
    const { headers } = await askImage({ nonce });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      name: 'ImageSynapse',
      timeout: '9.0',
      bt_header_axon_status_code: '200',
      bt_header_axon_status_message: 'Success',
      bt_header_axon_hotkey: BOB,
      bt_header_axon_version: '9003000',
      bt_header_dendrite_nonce: String(nonce),
      bt_header_dendrite_uuid: alice.uuid,
      computed_body_hash: EMPTY_BODY_HASH,
    });
    expect(headers).not.toHaveProperty('bt_header_axon_signature');
    expect(Number(headers.bt_header_axon_process_time)).toBeGreaterThan(0);
  });
});

describe('a VideoSynapse', () => {
  it('a VideoSynapse is answered, and as many frames give the same answer when each has a thumbnail', async () => {
    const answer = await askVideo(encodeFrames(frames));
    expect(answer.status).toBe(200);
    const prediction = answer.json().prediction ?? [];
    expect(prediction.reduce((sum, value) => sum + value)).toBeCloseTo(1, 9);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(jpeg.length + 2);
    const withThumbnails = frames.map((frame) =>
      Buffer.concat([frame.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, jpeg, frame.subarray(2)]),
    );
    expect((await askVideo(encodeFrames(withThumbnails))).json().prediction).toEqual(prediction);
  });

  it.each<[string, () => string, number]>([
    ['is a bomb', () => encodeBase85(deflateSync(Buffer.alloc(256 * 1024 * 1024))), 413],
    ['is no base85', () => 'no base85', 422],
    ['was cut off', () => encodeFrames(frames).slice(0, -500), 422],
    ['has no frame that can be decoded', () => encodeFrames([Buffer.from([0xff, 0xd8, 0xff, 0xd9])]), 422],
    ['is empty', () => '', 415],
  ])('a VideoSynapse that %s is refused', async (_, video, status) => {
    const answer = await askVideo(video());
    expect([answer.status, Object.keys(answer.json())]).toEqual([status, ['message']]);
    expect(answer.headers.bt_header_axon_status_code).toBe(String(status));
  });
});

describe('a caller', () => {
  it('a caller that is not registered, or has too little stake, is on the blacklist', async () => {
    expect(await outcome({}, createDendrite('//Dave'))).toEqual([
      403,
      'Forbidden. Key is blacklisted: Signer not in metagraph.',
    ]);
    expect(await outcome({}, createDendrite('//Charlie'))).toEqual([
      403,
      'Forbidden. Key is blacklisted: Signer stake 100 is below 10000.',
    ]);
  });

  it('a caller is served once it has registered with enough stake, without waiting for the next reading', async () => {
    const dave = createDendrite('//Dave');
    running.devnet.register(dave.address, { stakeTao: 20_000 });
    expect(await outcome({}, dave)).toEqual([200, undefined]);
    running.devnet.deregister(dave.address);
  });

  it('a caller with two requests a nanosecond apart gets two answers, in any order and at once', async () => {
    const first = nowNs() + 1n;
    const nonces = [3n, 0n, 1n, 2n, 4n].map((n) => first + n);
    const answers = await Promise.all(nonces.map((nonce) => outcome({ nonce })));
    expect(answers).toEqual(Array(5).fill([200, undefined]));
    expect(await outcome({ nonce: first })).toEqual(refusedAs('request was already served'));
  });

  it('a caller may use one nonce in two dendrites', async () => {
    const nonce = nowNs();
    expect(await outcome({ nonce })).toEqual([200, undefined]);
    expect(await outcome({ nonce, uuid: '5f3b1c0a-2431-11f0-9c1d-0242ac120002' })).toEqual([200, undefined]);
  });
});

describe('a request', () => {
  it('a request that was copied to the other path is still served on its own, once', async () => {
    const headers = alice.sign();
    const { name: _, ...nameless } = headers;
    const body = Buffer.from(synapseJson('ImageSynapse', jpeg.toString('base64')));
    const send = (path: string) => call(port, path, { method: 'POST', headers: nameless, body });
    expect((await send('/VideoSynapse')).status).not.toBe(200);
    expect((await send('/ImageSynapse')).status).toBe(200);
    expect((await send('/ImageSynapse')).json().message).toMatch(/already served/);
  });

  it('a request that is as old as its window is refused, however long its caller claims to wait', async () => {
    const SECOND = 1_000_000_000n;
    const old = (seconds: bigint, timeout: string) => outcome({ nonce: nowNs() - seconds * SECOND, timeout });
    expect(await old(13n, '9.0')).toEqual(refusedAs('Nonce is too old'));
    expect(await old(12n, '9.0')).toEqual([200, undefined]);
    expect(await old(64n, '1000000000.0')).toEqual(refusedAs('Nonce is too old'));
    expect(await old(5n, '1000000000.0')).toEqual([200, undefined]);
  });

  it('a request that is dated too far ahead is refused', async () => {
    const ahead = (seconds: bigint) => outcome({ nonce: nowNs() + seconds * 1_000_000_000n });
    expect(await ahead(61n)).toEqual(refusedAs('Nonce is dated in the future'));
    expect(await ahead(50n)).toEqual([200, undefined]);
  });

  it('a request is refused when its signature is missing, of another key, for another axon, or over another nonce', async () => {
    const signature = 'bt_header_dendrite_signature';
    const mismatch = refusedAs('Signature Mismatch');
    expect(await outcome({ headers: { [signature]: undefined } })).toEqual(refusedAs('Missing Signature'));
    expect(
      await outcome({ headers: { bt_header_dendrite_hotkey: alice.address } }, createDendrite('//Dave')),
    ).toEqual(mismatch);
    const receiver = createDendrite('//Charlie').address;
    expect(await outcome({ receiver })).toEqual(refusedAs('the request is meant for another hotkey'));
    expect(await outcome({ receiver, headers: { bt_header_axon_hotkey: BOB } })).toEqual(mismatch);
    expect(await outcome({ headers: { bt_header_dendrite_nonce: String(nowNs() + 1n) } })).toEqual(mismatch);
  });

  it('a request of an SDK whose nonces are not times is refused', async () => {
    const [status, message] = await outcome({ version: '7001002' });
    expect([status, message]).toEqual([401, expect.stringMatching(/below 7\.2\.0/)]);
  });

  it('a request with malformed headers is refused', async () => {
    const answer = await askImage({ headers: { timeout: 'soon' } });
    expect([answer.status, answer.json()]).toEqual([
      400,
      { message: 'Improperly formatted request: the header timeout' },
    ]);
    expect(answer.headers).toMatchObject({
      bt_header_axon_status_code: '400',
      'content-type': 'application/json',
    });
  });

  it('a request of a class with hashed fields, or whose body is not a valid synapse, gets the fault that the SDK gives', async () => {
    const fault = [500, expect.stringMatching(/^Internal Server Error #[0-9a-f-]{36}$/)];
    expect(await outcome({ bodyHash: EMPTY_BODY_HASH.replace('a', 'b') })).toEqual(fault);
    for (const body of ['', '{', '[]', '{"image": 1}']) {
      const answer = await alice.post(port, '/ImageSynapse', body);
      expect([answer.status, answer.json().message]).toEqual(fault);
    }
    const lines = running.lines().filter(({ code }) => code === 'AXON_SYNAPSE_INVALID');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatchObject({ level: 'info', status: 500, errorId: expect.any(String) });
  });

  it('a request with a body that is no picture is refused as such', async () => {
    const ask = async (media: string) =>
      (await alice.post(port, '/ImageSynapse', synapseJson('ImageSynapse', media))).status;
    expect(await ask('bm8gcGljdHVyZQ==')).toBe(415);
    expect(await ask('no base64')).toBe(422);
    expect(await ask(jpeg.subarray(0, jpeg.length / 2).toString('base64'))).toBe(422);
  });
});

describe('a path', () => {
  it('a path that names no known synapse is answered as the SDK does', async () => {
    const answer = await alice.post(port, '/AudioSynapse', '{}');
    expect([answer.status, answer.json()]).toEqual([
      404,
      {
        message: "Synapse name 'AudioSynapse' not found. Available synapses ['ImageSynapse', 'VideoSynapse']",
      },
    ]);
    expect(answer.headers.bt_header_axon_status_code).toBe('404');
  });

  it('a path of a synapse takes nothing but a POST', async () => {
    expect((await call(port, '/ImageSynapse')).json().code).toBe('AXON_METHOD_NOT_ALLOWED');
    expect((await call(port, '/AudioSynapse')).json().code).toBe('AXON_NOT_FOUND');
  });

  it.each([
    ['of a segmenter', { MINER_TYPE: 'segmenter' }],
    ['where SYNAPSE is off', { SYNAPSE: 'off' }],
  ])('a path %s is not there', async (_, env) => {
    const other = await startMiner({ env, waitUntilReady: false });
    const answer = await alice.post(other.port, '/ImageSynapse', '{}');
    await other.close();
    expect([answer.status, answer.json().code]).toEqual([404, 'AXON_NOT_FOUND']);
  });
});

it('a request that was served before a restart is refused after it', async () => {
  const devnet = await startDevnet();
  const stateDir = temporaryFolderPath();
  const headers = alice.sign({ timeout: '60.0' });
  const statuses: number[] = [];
  for (let life = 0; life < 2; life++) {
    const miner = await startMiner({ devnet, stateDir });
    const body = synapseJson('ImageSynapse', jpeg.toString('base64'));
    const answer = await call(miner.port, '/ImageSynapse', {
      method: 'POST',
      headers,
      body: Buffer.from(body),
    });
    statuses.push(answer.status);
    await miner.close();
  }
  await devnet.close();
  expect(statuses).toEqual([200, 401]);
}, 60_000);
