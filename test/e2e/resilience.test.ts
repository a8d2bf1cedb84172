import { request as httpRequest } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDevnet } from '../../src/devnet/node.ts';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { type RunningMiner, startDevnet, startMiner } from '../fixtures/miner.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { BOB, call, createValidator } from '../fixtures/validator.ts';

async function start(...options: Parameters<typeof startMiner>): Promise<RunningMiner> {
  const running = await startMiner(...options);
  onTestFinished(running.close);
  return running;
}

describe('the model process', () => {
  it.each(['image', 'video'] as const)(
    'the model process killed during an %s request is replaced, and the request is answered',
    async (task) => {
      const { port, engines } = await start();
      const alice = createValidator('//Alice');
      const engine = engines[task];
      const body =
        task === 'image'
          ? await makeJpeg({ width: 64, height: 64, seed: 1 })
          : await makeClip({ width: 64, height: 64, frames: 4, seed: 1 });
      // The same input each time: what the process lives through is not blamed for its earlier end.
      for (const restarts of [1, 2, 3]) {
        const pid = engine?.status().pid ?? 0;
        process.kill(pid, 'SIGSTOP');
        const answering = alice.post(port, `/detect_${task}`, body);
        await until(() => (engine?.status().queued ?? 0) > 0);
        process.kill(pid, 'SIGKILL');
        expect((await answering).status).toBe(200);
        expect(engine?.status()).toMatchObject({ state: 'ready', restarts });
      }
    },
    60_000,
  );

  it('the model process that hangs is replaced, and the request answered', async () => {
    const { port, engines } = await start();
    process.kill(engines.image?.status().pid ?? 0, 'SIGSTOP');
    const jpeg = await makeJpeg({ width: 64, height: 64, seed: 1 });
    expect((await createValidator('//Alice').post(port, '/detect_image', jpeg)).status).toBe(200);
    expect(engines.image?.status().restarts).toBe(1);
  }, 60_000);
});

describe('registration', () => {
  it('registration is waited for: the port answers before, and the axon is announced within two blocks after', async () => {
    const devnet = await startDevnet();
    onTestFinished(() => devnet.close());
    devnet.deregister(BOB);
    const { port, miner, chain, adminPort } = await start({ devnet, waitUntilReady: false });
    await until(() => chain.registration.state === 'unregistered' && miner.readiness().reasons.length === 1);
    expect((await call(port, '/')).status).toBe(200);
    const readyz = await call(adminPort, '/readyz');
    expect(readyz.status).toBe(503);
    expect(readyz.json().reasons).toEqual(['the hotkey is not registered on the subnet']);

    devnet.register(BOB);
    const registeredAt = devnet.blockNumber;
    await until(() => devnet.axonOf(BOB)?.port === port);
    expect((devnet.axonOf(BOB)?.block ?? 0) - registeredAt).toBeLessThanOrEqual(2);
    await until(() => miner.readiness().ready);
  }, 60_000);
});

describe('the chain', () => {
  it('the chain may be down at a restart: known callers are served', async () => {
    const devnet = await startDevnet();
    const stateDir = temporaryFolderPath();
    const first = await startMiner({ devnet, stateDir });
    await first.close();
    await devnet.close();

    const { port, miner } = await start({ devnet, stateDir, waitUntilReady: false });
    await until(() => miner.readiness().reasons.every((reason) => !reason.includes('model')));
    const jpeg = await makeJpeg({ width: 64, height: 64, seed: 1 });
    expect((await createValidator('//Alice').post(port, '/detect_image', jpeg)).status).toBe(200);
    const stranger = await createValidator('//Dave').post(port, '/detect_image', jpeg);
    expect([stranger.status, stranger.json().code]).toEqual([401, 'AXON_SIGNER_UNKNOWN']);
    await until(() => miner.readiness().warnings.some((warning) => warning.includes('the chain is away')));
  }, 60_000);

  it('the chain may be down at the start: it is logged once and tried again, and callers are served when it comes', async () => {
    const former = await startDevnet();
    const { port: chainPort, state } = former;
    await former.close();
    const { port, miner, lines } = await start({
      devnet: { ...former, url: `ws://127.0.0.1:${chainPort}` },
      waitUntilReady: false,
    });
    const alice = createValidator('//Alice');
    const jpeg = await makeJpeg({ width: 64, height: 64, seed: 1 });
    await until(() => miner.readiness().reasons.every((reason) => !reason.includes('model')));
    expect((await call(port, '/')).status).toBe(200);
    const early = await alice.post(port, '/detect_image', jpeg);
    expect([early.status, early.json().code]).toEqual([503, 'AXON_SIGNERS_UNKNOWN']);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(lines().filter((line) => line.msg === 'chain away, trying again')).toHaveLength(1);

    const devnet = await createDevnet({
      host: '127.0.0.1',
      port: chainPort,
      netuid: 34,
      blockTimeMs: 200,
      state,
    });
    onTestFinished(() => devnet.close());
    await until(() => miner.readiness().ready);
    expect((await alice.post(port, '/detect_image', jpeg)).status).toBe(200);
  }, 60_000);

  it('the chain may go away: known validators are still answered', async () => {
    const { port, devnet, chain } = await start();
    await devnet.close();
    await until(() => chain.status().connection.state !== 'connected');
    const jpeg = await makeJpeg({ width: 64, height: 64, seed: 1 });
    expect((await createValidator('//Alice').post(port, '/detect_image', jpeg)).status).toBe(200);
  }, 60_000);
});

describe('two hundred slow uploads that name a validator', () => {
  it('two hundred slow uploads that claim the hotkey of a validator do not change the answers to its own requests', async () => {
    const { port, miner } = await start();
    const alice = createValidator('//Alice');
    const jpeg = await makeJpeg({ width: 400, height: 300, seed: 1 });
    const clip = await makeClip({ width: 64, height: 64, frames: 8, seed: 1 });
    const { prediction } = (await alice.post(port, '/detect_image', jpeg)).json();

    // Headers of Alice's form, without her key.
    const forged = {
      ...createValidator('//Dave').sign({ body: jpeg }),
      'Epistula-Signed-By': alice.address,
    };
    const attackers = Array.from({ length: 200 }, () => {
      const upload = httpRequest({
        host: '127.0.0.1',
        port,
        path: '/detect_video',
        method: 'POST',
        agent: false,
        headers: { ...forged, 'Content-Length': 150_000_000 },
      });
      upload.on('error', () => undefined);
      upload.flushHeaders();
      const drip = setInterval(() => upload.write(Buffer.alloc(100)), 200);
      upload.on('close', () => clearInterval(drip));
      return upload;
    });
    const uploads = () =>
      (miner.status() as { axon: { uploads: { claimedUploads: number } } }).axon.uploads.claimedUploads;
    await until(() => uploads() === 200);

    const withoutProof = alice.sign({ body: jpeg });
    for (const index of [0, 1, 2]) delete withoutProof[`Epistula-Secret-Signature-${index}`];
    const answers = await Promise.all([
      alice.post(port, '/detect_image', jpeg),
      call(port, '/detect_image', { method: 'POST', body: jpeg, headers: withoutProof }),
      alice.post(port, '/detect_video', clip),
      alice.get(port, '/miner_info'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers[0]?.json().prediction).toEqual(prediction);
    expect(answers[1]?.json().prediction).toEqual(prediction);
    for (const upload of attackers) upload.destroy();
    await until(() => uploads() === 0);
  }, 60_000);
});

describe('clips being decoded and inferred', () => {
  it('clips being decoded and inferred do not hold up the open route', async () => {
    const { port } = await start();
    const clip = await makeClip({ width: 480, height: 360, frames: 40, seed: 1 });
    let unanswered = 2;
    const clips = Array.from({ length: 2 }, async () => {
      const answer = await createValidator('//Alice').post(port, '/detect_video', clip);
      unanswered--;
      return answer.status;
    });
    for (let index = 0; index < 10; index++) expect((await call(port, '/')).status).toBe(200);
    expect(unanswered).toBe(2);
    expect(await Promise.all(clips)).toEqual([200, 200]);
  }, 60_000);
});
