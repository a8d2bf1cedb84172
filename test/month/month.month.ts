import { once } from 'node:events';
import { chownSync, cpSync, mkdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { Devnet } from '../../src/devnet/node.ts';
import { isRunning } from '../fixtures/is-running.ts';
import { startDevnet } from '../fixtures/miner.ts';
import { freePort } from '../fixtures/miner-process.ts';
import { OTHER_UID, otherUserCanRead } from '../fixtures/other-user.ts';
import { until } from '../fixtures/until.ts';
import { call } from '../fixtures/validator.ts';
import { writeHotkeyFile } from '../fixtures/wallet-files.ts';
import { type Checkout, createHost, type Host, installNode, linkProgramsWithoutNode } from './host.ts';
import { expectServes, type Miner, readyz, untilReady, untilSays } from './probes.ts';

let host: Host;
let checkout: Checkout;
let devnet: Devnet;
/** Detector of the default instance. */
let first: Miner;
/** Of INSTANCE=two; a segmenter at first. */
let second: Miner;
/** A hotkey that is never registered. */
let thirdHotkey: string;

const settingsOf = (miner: Pick<Miner, 'axonPort' | 'adminPort'>, hotkeyName: string) => ({
  NETWORK: 'local',
  CHAIN_ENDPOINT: devnet.url,
  WALLET_PATH: host.wallets,
  WALLET_NAME: 'w',
  WALLET_HOTKEY: hotkeyName,
  STATE_DIR: host.stateDir,
  DEVICE: 'cpu',
  AXON_PORT: miner.axonPort,
  ADMIN_PORT: miner.adminPort,
  BLOCK_WATCHDOG_SECONDS: 15,
});

beforeAll(async () => {
  await cryptoWaitReady();
  host = createHost();
  devnet = await startDevnet({ servingRateLimitBlocks: 0 });
  checkout = host.checkout('checkout');
  const hotkeyNamed = (hotkey: string, seedByte: number) =>
    writeHotkeyFile({ path: host.wallets, name: 'w', hotkey, seedByte });
  const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const [a = 0, b = 0, c = 0, d = 0] = ports;
  first = { name: 'sn34-miner', hotkey: hotkeyNamed('first', 1), axonPort: a, adminPort: b };
  second = { name: 'sn34-miner-two', hotkey: hotkeyNamed('second', 2), axonPort: c, adminPort: d };
  thirdHotkey = hotkeyNamed('third', 3);
  checkout.writeSettings(settingsOf(first, 'first'));
  checkout.writeSettings({ ...settingsOf(second, 'second'), MINER_TYPE: 'segmenter' }, 'two');
});
afterAll(async () => {
  await host?.close();
  await devnet?.close();
});

const pidOf = async (name: string) => (await host.processes()).get(name)?.pid;

/** Does what must not disturb a miner, and makes sure that it did not. */
async function leavesAlone<T>(miner: Miner, work: () => Promise<T>): Promise<T> {
  const before = (await host.processes()).get(miner.name);
  expect(before?.pid).toBeDefined();
  const result = await work();
  expect((await host.processes()).get(miner.name)).toEqual(before);
  await expectServes(miner);
  return result;
}

describe('the first start', () => {
  it('the first start replaces a process of an older start_miner.sh, and says that the hotkey is not registered', async () => {
    const old = join(host.folder, 'old.config.cjs');
    const args = ['dist/main.js', 'start', '--settings', '.env.miner'];
    const app = {
      name: 'sn34-detector',
      cwd: checkout.folder,
      script: process.execPath,
      interpreter: 'none',
      args,
    };
    writeFileSync(old, `module.exports = { apps: [${JSON.stringify(app)}] };`);
    await host.pm2('start', old);
    await until(() => host.log('sn34-detector').includes('"msg":"listening"'));

    const { exitCode, output } = await checkout.script();
    expect(output).toContain('ending sn34-detector (process ');
    expect(output).toContain(
      `sn34-miner runs unregistered, so no validator calls it: hotkey ${first.hotkey}`,
    );
    expect(output).toContain('Registering costs');
    expect(exitCode).toBe(0);
    expect([...(await host.processes()).keys()]).toEqual(['sn34-miner']);
    expect((await call(first.axonPort, '/')).status).toBe(200);
    const status = await checkout.script(['status']);
    expect([status.exitCode, status.output]).toEqual([
      1,
      expect.stringContaining('not registered on subnet 34'),
    ]);
  });

  it('the first start is enough once the hotkey is registered', async () => {
    devnet.register(first.hotkey);
    await untilReady(first);
    await expectServes(first);
    const { exitCode, output } = await checkout.script(['status']);
    expect([exitCode, output]).toEqual([0, expect.stringContaining('\nready\n')]);
    expect(output).toMatch(/last asked \d+ seconds? ago .* \(uid 0\): \/detect_image, answered/);
    expect(host.log('sn34-miner')).toContain('READY axon=');
  });
});

describe('a start with one thing wrong says what, with the exit code of the miner, and ends nothing that runs:', () => {
  /** Free ports, and a listener on the one that the test wants taken. */
  async function blockedPort(): Promise<number> {
    const server = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  function brokenModel(): string {
    const folder = join(host.folder, 'broken-model');
    cpSync(join(checkout.folder, 'models/example-image-detector'), folder, {
      recursive: true,
      dereference: true,
    });
    writeFileSync(join(folder, 'model.onnx'), 'cut short');
    return folder;
  }

  function lockedWallet(): string {
    writeFileSync(join(host.wallets, 'w/hotkeys/locked'), `$NACL${'x'.repeat(200)}`, { mode: 0o600 });
    return 'locked';
  }

  it.each<
    [string, () => Promise<Record<string, string | number>> | Record<string, string | number>, number, RegExp]
  >([
    ['a setting', () => ({ MINER_TYPE: 'neither' }), 10, /CONFIG_INVALID: MINER_TYPE/],
    ['a hotkey that is not there', () => ({ WALLET_HOTKEY: 'nobody' }), 11, /WALLET_NOT_FOUND/],
    ['a hotkey that is locked', () => ({ WALLET_HOTKEY: lockedWallet() }), 11, /WALLET_PASSWORD_MISSING/],
    ['a model that is not there', () => ({ IMAGE_MODEL: 'models/none' }), 13, /MODEL_NOT_FOUND/],
    ['a model that is broken', () => ({ IMAGE_MODEL: brokenModel() }), 13, /MODEL_UNREADABLE/],
    ['a device that is not there', () => ({ DEVICE: 'cuda' }), 13, /MODEL_DEVICE_UNAVAILABLE/],
    [
      'a taken AXON_PORT',
      async () => ({ AXON_PORT: await blockedPort() }),
      14,
      /AXON_PORT_IN_USE.*\(process \d+\)/,
    ],
    ['a taken ADMIN_PORT', async () => ({ ADMIN_PORT: await blockedPort() }), 14, /AXON_PORT_IN_USE/],
    ['the AXON_PORT of the other miner', () => ({ AXON_PORT: first.axonPort }), 14, /AXON_PORT_IN_USE/],
    [
      'the hotkey of the other miner',
      () => ({ WALLET_HOTKEY: 'first' }),
      16,
      /HOTKEY_IN_USE.*process \d+ of /,
    ],
  ])('%s', async (_what, changes, code, words) => {
    const ports = { axonPort: await freePort(), adminPort: await freePort() };
    checkout.writeSettings({ ...settingsOf(ports, 'third'), ...(await changes()) }, 'wrong');
    const { exitCode, output } = await leavesAlone(first, () => checkout.script(['--instance', 'wrong']));
    expect([exitCode, output]).toEqual([code, expect.stringMatching(words)]);
    expect([...(await host.processes()).keys()]).toEqual(['sn34-miner']);
  });

  it('a wrong start of the running miner leaves it running', async () => {
    const { exitCode, output } = await leavesAlone(first, () =>
      checkout.script(['--image-model', 'models/none']),
    );
    expect([exitCode, output]).toEqual([13, expect.stringContaining('MODEL_NOT_FOUND')]);
    expect(output).toContain('sn34-miner was not replaced; the running miner is unchanged');
  });

  it('a start with another hotkey under the same name is refused', async () => {
    const { exitCode, output } = await leavesAlone(first, () =>
      checkout.script(['--wallet.hotkey', 'third']),
    );
    expect([exitCode, output]).toEqual([10, expect.stringContaining('CONFIG_INSTANCE_TAKEN')]);
    expect(output).toContain(first.hotkey);
  });

  it('a start with the same name or hotkey in another checkout is refused', async () => {
    const other = host.checkout('other');
    other.writeSettings(settingsOf(first, 'first'));
    const ports = { axonPort: await freePort(), adminPort: await freePort() };
    other.writeSettings(settingsOf(ports, 'first'), 'other');
    const taken = await leavesAlone(first, () => other.script());
    expect([taken.exitCode, taken.output]).toEqual([10, expect.stringContaining(checkout.folder)]);
    const stop = await leavesAlone(first, () => other.script(['stop']));
    expect([stop.exitCode, stop.output]).toEqual([10, expect.stringContaining('CONFIG_INSTANCE_TAKEN')]);
    const again = await leavesAlone(first, () => other.script([], { env: { INSTANCE: 'other' } }));
    expect([again.exitCode, again.output]).toEqual([16, expect.stringContaining('HOTKEY_IN_USE')]);
    expect(again.output).toContain(`of ${checkout.folder}`);
  });

  it.skipIf(!otherUserCanRead(import.meta.filename))(
    'a STATE_DIR that its user may not write (needs root)',
    async () => {
      const home = join(host.folder, 'home-of-nobody');
      const wallets = join(host.folder, 'wallets-of-nobody');
      writeHotkeyFile({ path: wallets, name: 'w', hotkey: 'h', seedByte: 4 });
      mkdirSync(home);
      for (const path of [home, wallets, join(wallets, 'w/hotkeys/h')]) chownSync(path, OTHER_UID, OTHER_UID);
      const ports = { axonPort: await freePort(), adminPort: await freePort() };
      checkout.writeSettings({ ...settingsOf(ports, 'h'), WALLET_PATH: wallets }, 'nobody');
      const { exitCode, output } = await leavesAlone(first, () =>
        checkout.script(['--instance', 'nobody'], {
          env: { HOME: home, PM2_HOME: join(home, '.pm2') },
          through: ['setpriv', `--reuid=${OTHER_UID}`, `--regid=${OTHER_UID}`, '--clear-groups'],
        }),
      );
      expect([exitCode, output]).toEqual([
        10,
        expect.stringContaining(`STATE_DIR_UNUSABLE: ${host.stateDir}`),
      ]);
    },
  );

  it('a start reports faults that only the running miner can find: a wrong chain, and no registration', async () => {
    const ports = { axonPort: await freePort(), adminPort: await freePort() };
    for (const [changes, code, words] of [
      [{ NETWORK: 'finney' }, 15, 'CHAIN_WRONG_NETWORK'],
      [{ ON_UNREGISTERED: 'exit' }, 12, `hotkey ${thirdHotkey} is not registered`],
    ] as const) {
      checkout.writeSettings({ ...settingsOf(ports, 'third'), ...changes }, 'wrong');
      const { exitCode, output } = await leavesAlone(first, () => checkout.script(['--instance', 'wrong']));
      expect([exitCode, output]).toEqual([code, expect.stringContaining(words)]);
      expect(output).toContain(`sn34-miner-wrong ended with exit code ${code} and is not started again`);
      const status = await checkout.script(['--instance', 'wrong', 'status']);
      expect([status.exitCode, status.output]).toEqual([1, expect.stringContaining(`exit code was ${code}`)]);
    }
    expect((await checkout.script(['--instance', 'wrong', 'stop'])).exitCode).toBe(0);
    expect([...(await host.processes()).keys()]).toEqual(['sn34-miner']);
  });
});

describe('two miners on one host', () => {
  it('two miners run on one host by INSTANCE, one of each type', async () => {
    devnet.register(second.hotkey);
    const { exitCode, output } = await leavesAlone(first, () =>
      checkout.script([], { env: { INSTANCE: 'two' } }),
    );
    expect(output).toContain(`sn34-miner-two is ready: segmenter with the hotkey ${second.hotkey}`);
    expect(exitCode).toBe(0);
    await expectServes(second, '/segment_image');
    const status = await checkout.script(['--instance', 'two', 'status']);
    expect([status.exitCode, status.output]).toEqual([0, expect.stringContaining(second.hotkey)]);
  });

  it('two miners on one host are stopped one by one', async () => {
    const { exitCode, output } = await leavesAlone(first, () =>
      checkout.script(['stop', '--instance', 'two']),
    );
    expect([exitCode, output]).toEqual([0, expect.stringContaining('sn34-miner-two has ended')]);
    expect([...(await host.processes()).keys()]).toEqual(['sn34-miner']);
    const status = await checkout.script(['--instance', 'two', 'status']);
    expect([status.exitCode, status.output]).toEqual([1, expect.stringContaining('does not run under pm2')]);
  });

  it('a miner that changes its type replaces the process of the same INSTANCE', async () => {
    await checkout.script(['--instance', 'two']);
    const before = await pidOf(second.name);
    const { exitCode, output } = await leavesAlone(first, () =>
      checkout.script(['--instance', 'two', '--miner-type', 'detector']),
    );
    expect([exitCode, output]).toEqual([0, expect.stringContaining('sn34-miner-two is ready: detector')]);
    expect(isRunning(before ?? 0)).toBe(false);
    expect([...(await host.processes()).keys()].sort()).toEqual(['sn34-miner', 'sn34-miner-two']);
    await expectServes(second);
  });
});

describe('by itself, a miner comes through', () => {
  it('a miner that is killed starts again by itself', async () => {
    const before = (await pidOf(first.name)) ?? 0;
    process.kill(before, 'SIGKILL');
    await until(() => !isRunning(before));
    await untilReady(first);
    await expectServes(first);
    expect(await pidOf(first.name)).not.toBe(before);
    const status = await checkout.script(['status']);
    expect([status.exitCode, status.output]).toEqual([0, expect.stringContaining('restarted 1 times')]);
  });

  it('a miner survives the loss of its registration, and a new one', async () => {
    devnet.deregister(first.hotkey);
    await untilSays(first, /deregistered/);
    expect((await readyz(first)).status).toBe(503);
    expect(host.log(first.name)).toContain('no longer registered on the subnet');
    expect((await checkout.script(['status'])).exitCode).toBe(1);
    devnet.register(first.hotkey);
    await untilReady(first);
    await until(() => devnet.axonOf(first.hotkey)?.port === first.axonPort);
    await expectServes(first);
  });

  it('a miner survives a node that falls two hours behind and catches up', async (context: TestContext) => {
    const lag = (seconds: number) =>
      fetch(devnet.url.replace('ws:', 'http:'), {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_lag', params: [{ seconds }] }),
      }).then((answer) => answer.json() as Promise<{ error?: { code: number } }>);
    const losses = () => host.log(first.name).split('no longer registered').length;
    const before = losses();
    const { error } = await lag(7_200);
    const METHOD_NOT_FOUND = -32_601;
    if (error?.code === METHOD_NOT_FOUND) context.skip('this development chain has no devnet_lag');
    expect(error).toBeUndefined();
    await untilSays(first, /2 hours behind/);
    await expectServes(first);
    const status = await checkout.script(['status']);
    expect(status.output).toContain('2 hours behind');
    await lag(0);
    await untilReady(first);
    await expectServes(first);
    expect(losses()).toBe(before);
  });

  it('a miner survives the loss of the chain, and a start meanwhile says what it waits for', async () => {
    const { port, state } = devnet;
    await devnet.close();
    await untilSays(first, /the chain is away/);
    await expectServes(first);
    const { exitCode, output } = await leavesAlone(first, () =>
      checkout.script(['--instance', 'two', '--miner-type', 'detector']),
    );
    expect(exitCode).toBe(1);
    expect(output).toContain('sn34-miner-two runs; it is not ready after 60 s and keeps trying\n');
    expect(output).toMatch(/reason: .*registered/);
    expect(output).toMatch(/the chain is away/);

    devnet = await startDevnet({ port, state });
    await untilReady(first);
    await untilReady(second);
    await expectServes(first);
    await expectServes(second);
    for (const args of [['status'], ['--instance', 'two', 'status']]) {
      expect((await checkout.script(args)).exitCode).toBe(0);
    }
  });

  it('a miner survives a Node.js that moved, after a reboot', async () => {
    const here = join(host.folder, 'node-a');
    const there = join(host.folder, 'home/.nvm/versions/node', process.version, 'bin');
    const programs = linkProgramsWithoutNode(join(host.folder, 'programs'));
    installNode(here);
    host.path = `${here}:${programs}`;
    const started = await checkout.script();
    expect([started.exitCode, started.output]).toEqual([0, expect.stringContaining('sn34-miner is ready')]);
    expect(readlinkSync(`/proc/${await pidOf(first.name)}/exe`)).toBe(join(here, 'node'));
    expect((await host.pm2('save')).exitCode).toBe(0);

    await host.shutDown();
    mkdirSync(join(there, '..'), { recursive: true });
    renameSync(here, there);
    host.path = `${there}:${programs}`;
    expect((await host.pm2('resurrect')).exitCode).toBe(0);
    await untilReady(first);
    await untilReady(second);
    expect(readlinkSync(`/proc/${await pidOf(first.name)}/exe`)).toBe(join(there, 'node'));
    await expectServes(first);
    await expectServes(second);
  });
});

describe('the end', () => {
  it('the end stops each miner, and says what a reboot would do', async () => {
    const both = [[], ['--instance', 'two']];
    for (const args of both) {
      const { exitCode, output } = await checkout.script([...args, 'stop']);
      expect([exitCode, output]).toEqual([0, expect.stringContaining('a reboot would start it again: ')]);
    }
    expect((await host.processes()).size).toBe(0);
    for (const { axonPort } of [first, second]) {
      await expect(call(axonPort, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
    for (const args of both) {
      const { exitCode, output } = await checkout.script([...args, 'status']);
      expect([exitCode, output]).toEqual([1, expect.stringContaining('does not run under pm2')]);
    }
  });
});
