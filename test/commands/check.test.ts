import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makePrivateFolder } from '../../src/state/private-folder.ts';
import { modelChildren } from '../fixtures/model-children.ts';
import { otherUserCanRead, spawnAsOtherUser } from '../fixtures/other-user.ts';
import { until } from '../fixtures/until.ts';
import { call } from '../fixtures/validator.ts';
import { runCommand, writeOfflineMiner } from './run-command.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'dist/main.js');

beforeAll(async () => {
  await cryptoWaitReady();
});

/** A check and all that it wrote. */
async function check(argv: readonly string[], env: Record<string, string>) {
  const child = await runCommand(['check', ...argv], env);
  return { exitCode: await child.ended, output: child.output(), child };
}

describe('check', () => {
  it('check prints the hotkey and the ports of a miner that can start, and leaves no copy of its models', async () => {
    const { hotkey, argv, env, folder } = writeOfflineMiner();
    const { exitCode, output, child } = await check(argv, env);
    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toEqual({
      hotkey,
      type: 'detector',
      axonPort: child.axonPort,
      adminPort: child.adminPort,
      warnings: [],
    });
    expect(readdirSync(join(folder, 'state/local-34'))).toEqual([hotkey]);
  });

  it('check names every fault at once, and ends with the exit code of the first', async () => {
    const blocker = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(blocker, 'listening');
    onTestFinished(() => {
      blocker.close();
    });
    const address = blocker.address();
    const port = String(typeof address === 'object' ? address?.port : 0);
    const { argv, env } = writeOfflineMiner({ WALLET_HOTKEY: 'nobody', IMAGE_MODEL: 'models/none' });
    const { exitCode, output } = await check(argv, { ...env, AXON_PORT: port });
    expect(exitCode).toBe(11);
    expect(output.match(/^[A-Z_]+(?=: )/gm)).toEqual([
      'WALLET_NOT_FOUND',
      'AXON_PORT_IN_USE',
      'MODEL_NOT_FOUND',
    ]);
    expect(output).toContain(`(process ${process.pid})`);
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['a setting', { MINER_TYPE: 'neither' }, 10, 'MINER_TYPE'],
    ['the name of the hotkey', { WALLET_HOTKEY: 'nobody' }, 11, 'WALLET_NOT_FOUND'],
    ['the path of the model', { IMAGE_MODEL: 'models/none' }, 13, 'MODEL_NOT_FOUND'],
    ['the device', { DEVICE: 'cuda', CUDA_VISIBLE_DEVICES: '' }, 13, 'MODEL_DEVICE_UNAVAILABLE'],
    ['the address to listen on', { AXON_IP: '203.0.113.9' }, 1, 'AXON_ADDRESS_UNAVAILABLE'],
    ['STATE_DIR', { STATE_DIR: '/dev/null/state' }, 10, 'STATE_DIR_UNUSABLE'],
  ])('check ends with the exit code of the miner if %s is wrong', async (_what, changes, code, words) => {
    const { argv, env } = writeOfflineMiner();
    const { exitCode, output } = await check(argv, { ...env, ...changes });
    expect(exitCode).toBe(code);
    expect(output).toContain(words);
  });

  it('check ends with 13 if the model file is truncated', async () => {
    const { argv, env, folder } = writeOfflineMiner();
    const model = join(folder, 'model');
    cpSync(join(ROOT, 'models/example-image-detector'), model, { recursive: true });
    writeFileSync(join(model, 'model.onnx'), 'cut short');
    const { exitCode, output } = await check([...argv, '--image-model', model], env);
    expect([exitCode, output]).toEqual([13, expect.stringContaining(`MODEL_UNREADABLE: ${model}`)]);
  });

  it('check ends with 15 if the hotkey is a public development key and the network is public', async () => {
    const { argv, env, wallets } = writeOfflineMiner({ NETWORK: 'finney' });
    mkdirSync(join(wallets, 'bob/hotkeys'), { recursive: true });
    // The seed of //Bob, as every development chain publishes it.
    const secretSeed = '0x398f0c28f98885e046333d4a41c19cee4c37368a9832c6502f6cfd182e2aef89';
    writeFileSync(join(wallets, 'bob/hotkeys/bob'), JSON.stringify({ secretSeed }));
    const { exitCode, output } = await check(
      [...argv, '--wallet.name', 'bob', '--wallet.hotkey', 'bob'],
      env,
    );
    expect([exitCode, output]).toEqual([15, expect.stringContaining('WALLET_DEV_KEY_REFUSED')]);
  });

  it.skipIf(!otherUserCanRead(MAIN))(
    'check ends with 10 if its user may not write to STATE_DIR (needs root and setpriv)',
    async () => {
      const { argv, folder } = writeOfflineMiner();
      const state = join(folder, 'state');
      await makePrivateFolder(state);
      // What the other user must read: not the folders of the superuser, which the test makes for itself.
      const readable = spawn('chmod', ['-R', 'go+rX', folder]);
      await once(readable, 'exit');
      const child = spawnAsOtherUser(process.execPath, [MAIN, 'check', ...argv], {
        env: { PATH: process.env.PATH ?? '', STATE_DIR: state, HOME: folder, DEVICE: 'cpu' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let words = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        words += chunk.toString();
      });
      expect(await once(child, 'close')).toEqual([10, null]);
      expect(words).toContain(`STATE_DIR_UNUSABLE: ${state}/local-34 cannot be written (EACCES)`);
    },
  );

  it('check --replaces PID counts the ports and the lock of that miner as free, and does not disturb it', async () => {
    const { argv, env, hotkey, folder } = writeOfflineMiner();
    const miner = await runCommand(['start', ...argv], env);
    await until(() => miner.output().includes('"msg":"listening"'));
    const ports = { AXON_PORT: String(miner.axonPort), ADMIN_PORT: String(miner.adminPort) };
    const pid = String(miner.child.pid);

    const refused = await check(argv, { ...env, ...ports });
    expect(refused.exitCode).toBe(16);
    expect(refused.output.match(/^[A-Z_]+(?=: )/gm)).toEqual([
      'HOTKEY_IN_USE',
      'AXON_PORT_IN_USE',
      'AXON_PORT_IN_USE',
    ]);
    expect(refused.output).toContain(`the process ${pid} of ${ROOT.replace(/\/$/, '')}`);

    const replacing = await check([...argv, '--replaces', pid], { ...env, ...ports });
    expect([replacing.exitCode, JSON.parse(replacing.output).hotkey]).toEqual([0, hotkey]);
    expect((await call(miner.axonPort, '/')).status).toBe(200);
    expect(existsSync(join(folder, 'state/local-34', hotkey, 'lock'))).toBe(true);
    miner.child.kill('SIGTERM');
    expect(await miner.ended).toBe(0);
  }, 60_000);

  it('check only warns of a model that lacks memory if it replaces a process, and fails otherwise', async () => {
    /** What the kernel does to a model process where memory runs out, or where it crashes. */
    async function checkKilling(flags: string[], signal: NodeJS.Signals = 'SIGKILL') {
      const { argv, env } = writeOfflineMiner();
      const child = await runCommand(['check', ...argv, ...flags], env);
      let hasEnded = false;
      void child.ended.then(() => {
        hasEnded = true;
      });
      await until(() => {
        for (const pid of modelChildren(child.child.pid)) {
          try {
            process.kill(pid, signal);
          } catch {
            // It has ended since it was found.
          }
        }
        return hasEnded;
      });
      return { exitCode: await child.ended, output: child.output() };
    }
    const alone = await checkKilling([]);
    expect([alone.exitCode, alone.output]).toEqual([1, expect.stringContaining('MODEL_UNAVAILABLE')]);
    const replacing = await checkKilling(['--replaces', String(process.pid)]);
    expect(replacing.exitCode).toBe(0);
    expect(JSON.parse(replacing.output).warnings).toEqual([
      expect.stringContaining('the process that is being replaced still holds its memory'),
      expect.any(String),
    ]);
    // A model that crashes would crash in place of the one that works, too.
    const crashing = await checkKilling(['--replaces', String(process.pid)], 'SIGSEGV');
    expect([crashing.exitCode, crashing.output]).toEqual([1, expect.stringContaining('MODEL_UNAVAILABLE')]);
  }, 90_000);

  it('check refuses a --replaces that is no process number', async () => {
    const { argv, env } = writeOfflineMiner();
    const { exitCode, output } = await check([...argv, '--replaces', 'me'], env);
    expect([exitCode, output]).toEqual([10, expect.stringContaining("argument 'me' is invalid")]);
  });
});
