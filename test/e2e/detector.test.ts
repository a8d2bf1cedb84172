import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startMiner } from '../fixtures/miner.ts';
import { until } from '../fixtures/until.ts';
import { type Answer, BOB, call, createValidator } from '../fixtures/validator.ts';

let running: RunningMiner;
let port: number;
let jpeg: Buffer;
let clip: Buffer;
let alice: ReturnType<typeof createValidator>;

beforeAll(async () => {
  running = await startMiner();
  port = running.port;
  jpeg = await makeJpeg({ width: 321, height: 123, seed: 1 });
  clip = await makeClip({ width: 65, height: 49, frames: 20, seed: 1 });
  alice = createValidator('//Alice');
}, 60_000);
afterAll(() => running.close());

/** What a validator demands of a detector's answer, and what we promise beyond it. */
function expectValidVector(answer: Answer): number[] {
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  const { prediction = [] } = answer.json();
  expect(prediction).toHaveLength(3);
  for (const value of prediction) expect(value >= 0 && value <= 1).toBe(true);
  expect(Math.abs(prediction.reduce((sum, value) => sum + value, 0) - 1)).toBeLessThanOrEqual(1e-9);
  return prediction;
}

describe('the open routes', () => {
  it.each(['/', '/healthcheck'])('GET %s answers the bare number 200', async (path) => {
    const answer = await call(port, path);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.body.toString()).toBe('200');
  });

  it.each(['/nothing', '/segment_image', '/segment_video', '/detect_audio'])(
    '%s is not found',
    async (path) => {
      const answer = await call(port, path, { method: 'POST' });
      expect(answer.status).toBe(404);
      expect(answer.json()).toEqual({ detail: 'Not Found', code: 'AXON_NOT_FOUND' });
    },
  );

  it.each([
    ['GET', '/detect_image'],
    ['PUT', '/detect_video'],
    ['POST', '/miner_info'],
    ['POST', '/'],
  ] as const)('%s %s is not allowed', async (method, path) => {
    const answer = await call(port, path, { method });
    expect(answer.status).toBe(405);
    expect(answer.json()).toEqual({ detail: 'Method Not Allowed', code: 'AXON_METHOD_NOT_ALLOWED' });
  });
});

describe('a validator', () => {
  it('a validator learns the type of the miner', async () => {
    const answer = await alice.get(port, '/miner_info');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.json()).toEqual({ miner_type: 'DETECTOR', uid: 1, hotkey: BOB });
  });

  it.each(['/detect_image', '/detect_Modality.IMAGE'])(
    'a validator gets a vector for a picture at %s',
    async (path) => {
      expectValidVector(await alice.post(port, path, jpeg));
    },
  );

  it.each(['/detect_video', '/detect_Modality.VIDEO'])(
    'a validator gets a vector for a clip at %s',
    async (path) => {
      expectValidVector(await alice.post(port, path, clip));
    },
  );

  it('a validator gets another vector for another picture, and the same for the same', async () => {
    const noisy = await makeJpeg({ width: 200, height: 300, seed: 7 });
    const first = expectValidVector(await alice.post(port, '/detect_image', jpeg));
    const again = expectValidVector(await alice.post(port, '/detect_image', jpeg));
    const other = expectValidVector(await alice.post(port, '/detect_image', noisy));
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('a validator is served with any content type, and with headers as large as testnet sends them', async () => {
    const headers = { 'Content-Type': ';;not a type', 'X-Testnet-metadata': 'x'.repeat(60_000) };
    expectValidVector(await alice.post(port, '/detect_image', jpeg, { headers }));
  });

  it('a validator is served without the optional secret signatures', async () => {
    const headers = alice.sign({ body: jpeg });
    for (const index of [0, 1, 2]) delete headers[`Epistula-Secret-Signature-${index}`];
    expectValidVector(await call(port, '/detect_image', { method: 'POST', body: jpeg, headers }));
  });

  it('a validator gets all of a burst answered', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        index % 2 === 0 ? alice.post(port, '/detect_image', jpeg) : alice.post(port, '/detect_video', clip),
      ),
    );
    for (const answer of answers) expectValidVector(answer);
  });
});

describe('the record of a request', () => {
  it('the record of a request is one line with the validator, the bytes and the time of each step, and no secret signature', async () => {
    const headers = alice.sign({ body: jpeg });
    await call(port, '/detect_image', { method: 'POST', body: jpeg, headers });
    await until(() => running.lines().some((line) => line.msg === 'request answered'));
    const line = running.lines().findLast((one) => one.msg === 'request answered');
    expect(line).toMatchObject({
      uid: 0,
      route: '/detect_image',
      bytes: jpeg.length,
      status: 200,
      code: 'OK',
    });
    for (const step of ['authenticate', 'body', 'verify', 'wait', 'decode', 'infer']) {
      expect(line?.[step]).toEqual(expect.any(Number));
    }
    expect(JSON.stringify(running.lines())).not.toContain(headers['Epistula-Secret-Signature-1']);
  });
});

describe('the admin port', () => {
  it('the admin port answers /livez, /readyz and /status', async () => {
    expect((await call(running.adminPort, '/livez')).json()).toEqual({ alive: true });
    expect((await call(running.adminPort, '/readyz')).json()).toEqual({
      ready: true,
      reasons: [],
      warnings: [],
    });
    const status = (await call(running.adminPort, '/status')).json();
    expect(status).toMatchObject({
      miner: { type: 'detector', hotkey: BOB, netuid: 34 },
      chain: { registration: { state: 'registered', uid: 1 } },
      models: { image: { state: 'ready', provider: 'cpu' }, video: { state: 'ready' } },
    });
  });

  it('the admin port refuses a web page that reaches it by another name', async () => {
    const answer = await call(running.adminPort, '/status', { headers: { Host: 'evil.example' } });
    expect(answer.status).toBe(403);
  });
});

describe('the chain', () => {
  it('the chain holds the address of the axon', async () => {
    await until(() => running.chain.announcement.state === 'announced');
    expect(running.devnet.axonOf(BOB)).toMatchObject({ version: 9_003_000, port, ipType: 4, protocol: 4 });
  });
});
