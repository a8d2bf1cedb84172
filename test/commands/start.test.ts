import { randomUUID } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { EngineStatus } from '../../src/inference/engine.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { startDevnet } from '../fixtures/miner.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { BOB, call, createValidator } from '../fixtures/validator.ts';
import { writeHotkeyFile } from '../fixtures/wallet-files.ts';
import { runCommand, writeOfflineMiner, writeSettings } from './run-command.ts';

beforeAll(async () => {
  await cryptoWaitReady();
});

const start = (argv: readonly string[], env?: Record<string, string>) => runCommand(['start', ...argv], env);

describe('start --dev', () => {
  it('start --dev prints READY with its addresses, answers, and ends with 0 on SIGTERM', async () => {
    const miner = await start(['--dev']);
    const ready = await miner.ready();
    expect(ready).toBe(
      `READY axon=http://127.0.0.1:${miner.axonPort} admin=http://127.0.0.1:${miner.adminPort} chain=ws://127.0.0.1:${miner.devnetPort}`,
    );
    expect((await call(miner.axonPort, '/')).body.toString()).toBe('200');
    const answer = await createValidator('//Alice').post(
      miner.axonPort,
      '/detect_image',
      await makeJpeg({ width: 50, height: 40, seed: 1 }),
    );
    expect(answer.status).toBe(200);
    const status = (await call(miner.adminPort, '/status')).json() as { models?: { image: { pid: number } } };
    const enginePid = status.models?.image.pid ?? 0;
    expect(isRunning(enginePid)).toBe(true);
    miner.child.kill('SIGTERM');
    expect(await miner.ended).toBe(0);
    expect(isRunning(enginePid)).toBe(false);
  }, 60_000);

  it('start answers the requests that it has admitted before it ends', async () => {
    const miner = await start(['--dev']);
    await miner.ready();
    const clip = await makeClip({ width: 320, height: 240, frames: 30, seed: 1 });
    const status = async () =>
      (await call(miner.adminPort, '/status')).json() as {
        axon?: { queue: { video: { running: number } } };
      };
    const answering = createValidator('//Alice').post(miner.axonPort, '/detect_video', clip);
    await until(async () => ((await status()).axon?.queue.video.running ?? 0) > 0);
    miner.child.kill('SIGINT');
    expect((await answering).status).toBe(200);
    expect(await miner.ended).toBe(0);
  }, 60_000);

  it('start ends at once on a second signal', async () => {
    const miner = await start(['--dev']);
    await miner.ready();
    const body = await makeJpeg({ width: 50, height: 40, seed: 1 });
    // An upload that stands still keeps the first signal from ending the process.
    const upload = createValidator('//Alice').post(miner.axonPort, '/detect_image', body, {
      send: () => new Promise(() => undefined),
    });
    const failing = expect(upload).rejects.toThrow();
    await until(async () => {
      const { axon } = (await call(miner.adminPort, '/status')).json() as {
        axon?: { uploads: { claimedUploads: number } };
      };
      return axon?.uploads.claimedUploads === 1;
    });
    miner.child.kill('SIGTERM');
    await until(() => miner.output().includes('shutting down'));
    miner.child.kill('SIGTERM');
    expect(await miner.ended).toBe(130);
    await failing;
  }, 60_000);

  it('start reloads its models on SIGHUP, at any time, and refuses a model that it cannot use', async () => {
    const folder = join(temporaryFolderPath(), 'model');
    cpSync(join(import.meta.dirname, '../../models/example-image-detector'), folder, { recursive: true });
    const miner = await start(['--dev', '--image-model', folder]);
    await until(() => miner.output().includes('"msg":"listening"'));
    miner.child.kill('SIGHUP');
    await miner.ready();
    const modelsOf = async () => {
      const { models } = (await call(miner.adminPort, '/status')).json() as {
        models?: Record<'image' | 'video', EngineStatus>;
      };
      return [models?.image, models?.video];
    };
    await until(async () => (await modelsOf()).every((model) => model?.lastReload?.result === 'switched'));

    writeFileSync(join(folder, 'model.onnx'), 'not a model');
    miner.child.kill('SIGHUP');
    await until(async () => (await modelsOf())[0]?.lastReload?.result === 'refused');
    expect(await modelsOf()).toMatchObject([
      { state: 'ready', lastReload: { reason: 'SIGHUP', code: 'MODEL_UNREADABLE' } },
      { state: 'ready', restarts: 0 },
    ]);
    const readyz = await call(miner.adminPort, '/readyz');
    expect(readyz.status).toBe(200);
    expect(readyz.json().warnings).toEqual([
      expect.stringMatching(/^the image model on disk was refused at .*is no ONNX file/),
    ]);
    const jpeg = await makeJpeg({ width: 50, height: 40, seed: 1 });
    expect((await createValidator('//Alice').post(miner.axonPort, '/detect_image', jpeg)).status).toBe(200);

    miner.child.kill('SIGTERM');
    miner.child.kill('SIGHUP');
    expect(await miner.ended).toBe(0);
  }, 60_000);

  it('start ends with 0 on a signal while the model is still loading, and frees its port', async () => {
    const miner = await start(['--dev']);
    await until(() => miner.output().includes('"msg":"listening"'));
    miner.child.kill('SIGINT');
    expect(await miner.ended).toBe(0);
    expect(miner.output()).not.toContain('READY');
    await expect(call(miner.axonPort, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }, 60_000);

  it('start remembers the requests that it served before it was killed', async () => {
    const stateDir = temporaryFolderPath();
    const jpeg = await makeJpeg({ width: 50, height: 40, seed: 1 });
    const headers = createValidator('//Alice').sign({
      body: jpeg,
      uuid: randomUUID(),
      timestampMs: Date.now() + 50_000,
    });
    const send = (port: number) => call(port, '/detect_image', { method: 'POST', body: jpeg, headers });
    const first = await start(['--dev'], { STATE_DIR: stateDir });
    await first.ready();
    expect((await send(first.axonPort)).status).toBe(200);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await start(['--dev'], { STATE_DIR: stateDir, AXON_PORT: String(first.axonPort) });
    await second.ready();
    const replayed = await send(first.axonPort);
    expect([replayed.status, replayed.json().code]).toEqual([400, 'AXON_REPLAY']);
  }, 60_000);

  it('start --dev refuses a chain on another host', async () => {
    const miner = await start([
      '--dev',
      '--subtensor.chain_endpoint',
      'wss://entrypoint-finney.opentensor.ai:443',
    ]);
    expect(await miner.ended).toBe(10);
    expect(miner.output()).toContain('CONFIG_DEV_ONLY_LOOPBACK');
  });
});

describe('start of a miner that cannot run', () => {
  it('start ends with 10 and names every wrong setting', async () => {
    const miner = await start(writeSettings({ MINER_TYPE: 'neither', LOGLEVEL: 'loud' }));
    expect(await miner.ended).toBe(10);
    expect(miner.output()).toMatch(/CONFIG_INVALID[\s\S]*MINER_TYPE[\s\S]*LOGLEVEL/);
  });

  it('start ends with 11 if there is no hotkey', async () => {
    const miner = await start(writeSettings({ NETWORK: 'local', WALLET_NAME: 'nobody' }));
    expect(await miner.ended).toBe(11);
    expect(miner.output()).toContain('WALLET_NOT_FOUND');
  });

  async function startChain() {
    const { devnetPort, ready } = await runCommand(['devnet'], { DEVNET_BLOCK_TIME_MS: '200' });
    await ready();
    return {
      endpoint: `ws://127.0.0.1:${devnetPort}`,
      deregisterMiner: () =>
        fetch(`http://127.0.0.1:${devnetPort}`, {
          method: 'POST',
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_deregister', params: [BOB] }),
        }),
    };
  }

  it('start with ON_UNREGISTERED=exit ends with 12 if the hotkey is not registered, or no longer', async () => {
    const { endpoint, deregisterMiner } = await startChain();
    const flags = ['--dev', '--on-unregistered', 'exit', '--subtensor.chain_endpoint', endpoint];
    const running = await start(flags);
    await running.ready();
    await deregisterMiner();
    const late = await start(flags);
    for (const miner of [running, late]) {
      expect(await miner.ended).toBe(12);
      expect(miner.output()).toMatch(/CHAIN_NOT_REGISTERED.*devnet_register/);
    }
  }, 60_000);

  /** One hotkey in two wallets. */
  function writeTwoWallets() {
    const path = temporaryFolderPath();
    for (const name of ['first', 'second']) writeHotkeyFile({ path, name, hotkey: 'h', seedByte: 9 });
    const argv = writeSettings({
      NETWORK: 'local',
      CHAIN_ENDPOINT: 'ws://127.0.0.1:1',
      WALLET_HOTKEY: 'h',
      WALLET_PATH: path,
    });
    const env = { STATE_DIR: join(path, 'state') };
    return { flags: (name: string) => [...argv, '--wallet.name', name], env };
  }

  it('start ends with 16 if another process runs the hotkey, even from another wallet, and names that process', async () => {
    const { flags, env } = writeTwoWallets();
    const first = await start(flags('first'), env);
    await until(() => first.output().includes('"msg":"listening"'));
    const second = await start(flags('second'), env);
    expect(await second.ended).toBe(16);
    expect(second.output()).toContain(`HOTKEY_IN_USE: the process ${first.child.pid} of `);
    expect(second.output()).not.toContain('listening');
    expect((await call(first.axonPort, '/')).status).toBe(200);
  }, 60_000);

  it('start waits until the process that runs the hotkey has ended, and then runs it', async () => {
    const { flags, env } = writeTwoWallets();
    const first = await start(flags('first'), env);
    await until(() => first.output().includes('"msg":"listening"'));
    const second = await start(flags('second'), env);
    await until(() => second.output().includes('another process runs this hotkey; waiting for its end'));
    first.child.kill('SIGTERM');
    await until(() => second.output().includes('"msg":"listening"'));
    expect(await first.ended).toBe(0);
  }, 60_000);

  it('start ends with 0 on a signal while it waits for the process that runs the hotkey', async () => {
    const { flags, env } = writeTwoWallets();
    const first = await start(flags('first'), env);
    await until(() => first.output().includes('"msg":"listening"'));
    const second = await start(flags('second'), env);
    await until(() => second.output().includes('waiting for its end'));
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect((await call(first.axonPort, '/')).status).toBe(200);
  }, 60_000);

  it('start ends with 15 if the only endpoint serves another chain', async () => {
    const { endpoint } = await startChain();
    const { argv } = writeOfflineMiner({ NETWORK: 'finney', CHAIN_ENDPOINT: endpoint });
    const miner = await start(argv);
    expect(await miner.ended).toBe(15);
    expect(miner.output()).toContain('CHAIN_WRONG_NETWORK');
  }, 60_000);

  it('start keeps running if the endpoint serves another chain later', async () => {
    const former = await startDevnet();
    const miner = await start(['--dev', '--subtensor.chain_endpoint', former.url]);
    await miner.ready();
    await former.close();
    const other = await startDevnet({ port: former.port, chainName: 'another chain' });
    onTestFinished(() => other.close());
    await until(() => miner.output().includes('CHAIN_WRONG_NETWORK'));
    const jpeg = await makeJpeg({ width: 50, height: 40, seed: 1 });
    const answer = await createValidator('//Alice').post(miner.axonPort, '/detect_image', jpeg);
    expect(answer.status).toBe(200);
    miner.child.kill('SIGTERM');
    expect(await miner.ended).toBe(0);
  }, 60_000);

  it('start ends with 13 if the model is missing', async () => {
    const miner = await start(['--dev', '--image-model', 'models/none']);
    expect(await miner.ended).toBe(13);
    expect(miner.output()).toContain('MODEL_NOT_FOUND');
  });

  it('start ends with 14 if the port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const miner = await start(['--dev', '--axon.port', String(port)]);
    expect(await miner.ended).toBe(14);
    expect(miner.output()).toContain(`port ${port}`);
  });
});
