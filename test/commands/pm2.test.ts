import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAdminPort } from '../fixtures/admin-port.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { writeHotkeyFile } from '../fixtures/wallet-files.ts';
import { runCommand } from './run-command.ts';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Stands for pm2, since the real one is not needed to see what it is asked for: it has the list that a test wrote, and
 * writes down how it was called. `npm run test:month` has the real one.
 */
const PM2 = `#!${process.execPath}
const { appendFileSync, copyFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
const home = process.env.PM2_HOME;
const args = process.argv.slice(2);
appendFileSync(home + '/calls', JSON.stringify(args) + '\\n');
// What somebody else does during the check: it is seen by the second question.
if (args[0] === 'jlist') {
  if (existsSync(home + '/asked') && existsSync(home + '/list-later')) copyFileSync(home + '/list-later', home + '/list');
  writeFileSync(home + '/asked', '');
}
let list = JSON.parse(readFileSync(home + '/list', 'utf8'));
if (args[0] === 'delete' && process.env.INTERRUPT) {
  for (const time of [1, 2]) {
    process.kill(process.ppid, process.env.INTERRUPT);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
}
if (args[0] === 'delete') list = list.filter(({ pm_id }) => String(pm_id) !== args[1]);
if (args[0] === 'start') {
  const [app] = require(args[1]).apps;
  appendFileSync(home + '/apps', JSON.stringify(app) + '\\n');
  list.push({ pid: 0, name: app.name, pm_id: 9, pm2_env: { status: 'waiting restart', exit_code: 14, pm_cwd: app.cwd } });
  require('node:fs').mkdirSync(home + '/logs');
  writeFileSync(home + '/logs/' + app.name + '-error.log', 'AXON_PORT_IN_USE: taken meanwhile\\nwhat to do\\n');
}
writeFileSync(home + '/list', JSON.stringify(list));
if (args[0] === 'jlist') console.log('[PM2] something it says of itself\\n' + JSON.stringify(list));
if (args[0] === 'logs') console.log('the log of ' + args.slice(1).join(' '));
`;

let folder: string;
let home: string;
let hotkey: string;
beforeAll(async () => {
  await cryptoWaitReady();
});
beforeEach(() => {
  folder = temporaryFolderPath();
  home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'rpc.sock'), '');
  writeFileSync(join(home, 'list'), '[]');
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(folder, 'pm2'), PM2);
  chmodSync(join(folder, 'pm2'), 0o755);
  hotkey = writeHotkeyFile({ path: join(folder, 'wallets'), name: 'w', hotkey: 'h', seedByte: 5 });
  writeHotkeyFile({ path: join(folder, 'wallets'), name: 'w', hotkey: 'other', seedByte: 6 });
  const settings = [
    'NETWORK=local',
    'CHAIN_ENDPOINT=ws://127.0.0.1:1',
    'WALLET_NAME=w',
    'WALLET_HOTKEY=h',
    `WALLET_PATH=${join(folder, 'wallets')}`,
  ];
  writeFileSync(join(folder, 'settings'), settings.join('\n'));
});

interface Entry {
  readonly id: number;
  readonly name: string;
  readonly cwd?: string;
  readonly hotkey?: string;
  /** Of one that runs. */
  readonly pid?: number;
}

/** What pm2 is to have in its list: processes that have ended, unless they have a pid. */
function has(...entries: readonly Entry[]): void {
  writeFileSync(join(home, 'list'), listOf(entries));
}
/** What pm2 is to have in its list when it is asked a second time. */
function hasLater(...entries: readonly Entry[]): void {
  writeFileSync(join(home, 'list-later'), listOf(entries));
}
function listOf(entries: readonly Entry[]): string {
  const list = entries.map(({ id, name, cwd = ROOT, hotkey: noted, pid = 0 }) => {
    const status = pid === 0 ? 'stopped' : 'online';
    const facts = { status, exit_code: 13, pm_cwd: cwd, restart_time: 0, SN34_HOTKEY: noted };
    return { pid, name, pm_id: id, pm2_env: facts };
  });
  return JSON.stringify(list);
}

async function pm2(args: readonly string[], env: Record<string, string> = {}) {
  const child = await runCommand(['pm2', ...args, '--pm2', join(folder, 'pm2')], {
    PM2_HOME: home,
    INSTANCE: '',
    ...env,
  });
  return { exitCode: await child.ended, output: child.output(), child };
}
const start = (flags: readonly string[] = [], env?: Record<string, string>) =>
  pm2(['start', '--settings', join(folder, 'settings'), ...flags], env);

/** How pm2 was called, without the questions for its list. */
function calls(): string[][] {
  const lines = readFileSync(join(home, 'calls'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as string[]).filter(([command]) => command !== 'jlist');
}

describe('pm2 start', () => {
  it('pm2 start replaces only the process of its instance, and ends with the exit code and the last words of the miner', async () => {
    has(
      { id: 0, name: 'web' },
      { id: 1, name: 'sn34-miner', hotkey },
      { id: 2, name: 'sn34-miner-two', hotkey },
      { id: 3, name: 'sn34-detector' },
      { id: 4, name: 'sn34-segmenter', cwd: '/elsewhere' },
    );
    const { exitCode, output, child } = await start(['--loglevel', 'warn']);
    expect(exitCode).toBe(14);
    expect(output).toContain('sn34-miner ended with exit code 14 and is not started again\n');
    expect(output).toContain('  AXON_PORT_IN_USE: taken meanwhile\n  what to do\n');
    expect(calls()).toEqual([
      ['delete', '1'],
      ['delete', '3'],
      ['start', join(ROOT, 'deploy/ecosystem.config.cjs')],
    ]);
    const app = JSON.parse(readFileSync(join(home, 'apps'), 'utf8')) as object;
    expect(app).toMatchObject({
      name: 'sn34-miner',
      cwd: ROOT,
      script: join(ROOT, 'start_miner.sh'),
      interpreter: 'none',
      args: ['--foreground', '--loglevel=warn'],
      env: { INSTANCE: '', SN34_HOTKEY: hotkey, SN34_ADMIN_PORT: String(child.adminPort) },
      kill_timeout: 20_000,
      treekill: false,
    });
  });

  it.each<[string, string[], number, string]>([
    ['a setting', ['--loglevel', 'loud'], 10, 'CONFIG_INVALID'],
    ['the wallet', ['--wallet.hotkey', 'nobody'], 11, 'WALLET_NOT_FOUND'],
    ['the model', ['--image-model', 'models/none'], 13, 'MODEL_NOT_FOUND'],
  ])('pm2 start changes nothing if %s is wrong', async (_what, flags, code, words) => {
    has({ id: 1, name: 'sn34-miner', hotkey });
    const { exitCode, output } = await start(flags);
    expect([exitCode, output]).toEqual([code, expect.stringContaining(words)]);
    expect(readFileSync(join(home, 'list'), 'utf8')).toContain('"pm_id":1');
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'])(
    'pm2 start, interrupted twice by %s while the old process ends, still starts the new one',
    async (INTERRUPT) => {
      has({ id: 1, name: 'sn34-miner', hotkey });
      await start([], { INTERRUPT });
      expect(calls().map(([command]) => command)).toEqual(['delete', 'start']);
    },
  );

  it('pm2 start replaces the old process even if nobody reads its output any more', async () => {
    has({ id: 1, name: 'sn34-miner', hotkey });
    const args = ['pm2', 'start', '--settings', join(folder, 'settings'), '--pm2', join(folder, 'pm2')];
    const child = await runCommand(args, { PM2_HOME: home, INSTANCE: '' });
    child.child.stdout?.destroy();
    child.child.stderr?.destroy();
    expect(await child.ended).toBe(14);
    expect(calls().map(([command]) => command)).toEqual(['delete', 'start']);
  });

  it.each<[string, Entry[], number, string]>([
    [
      'another folder',
      [{ id: 2, name: 'sn34-miner', cwd: '/elsewhere' }],
      10,
      'pm2 runs a miner of /elsewhere',
    ],
    [
      'the same folder',
      [{ id: 2, name: 'sn34-miner' }],
      1,
      'PM2_PROCESS_CHANGED: sn34-miner (number 2 of pm2)',
    ],
  ])(
    'pm2 start changes nothing if a miner of %s took the name during the check',
    async (_what, later, code, words) => {
      hasLater(...later);
      const { exitCode, output } = await start();
      expect([exitCode, output]).toEqual([code, expect.stringContaining(words)]);
      expect(calls()).toEqual([]);
    },
  );

  it('pm2 start replaces a process with a former name that runs the same hotkey, and refuses another or unknown hotkey', async () => {
    const same = await startAdminPort(hotkey);
    has({ id: 1, name: 'sn34-detector', pid: same.pid });
    await start();
    expect(calls().map(([command]) => command)).toEqual(['delete', 'start']);
    rmSync(join(home, 'calls'));

    const other = await startAdminPort('5B');
    for (const [pid, words] of [
      [other.pid, 'pm2 runs the hotkey 5B under the name sn34-detector'],
      [process.pid, `\n  ${join(folder, 'pm2')} delete 1\n`],
    ] as const) {
      has({ id: 1, name: 'sn34-detector', pid });
      const { exitCode, output } = await start();
      expect([exitCode, output]).toEqual([10, expect.stringContaining(words)]);
    }
    expect(calls()).toEqual([]);
  });

  it('pm2 start compares with the hotkey that the old process runs now, not with the one of its last start', async () => {
    const { pid } = await startAdminPort('5B');
    has({ id: 1, name: 'sn34-miner', hotkey, pid });
    const { exitCode, output } = await start();
    expect([exitCode, output]).toEqual([
      10,
      expect.stringContaining('pm2 runs the hotkey 5B under the name'),
    ]);
    expect(calls()).toEqual([]);
  });

  it('pm2 start refuses another hotkey than that of the old process', async () => {
    has({ id: 1, name: 'sn34-miner', hotkey });
    const { exitCode, output } = await start(['--wallet.hotkey', 'other']);
    expect(exitCode).toBe(10);
    expect(output).toContain(
      `CONFIG_INSTANCE_TAKEN: pm2 runs the hotkey ${hotkey} under the name sn34-miner`,
    );
    expect(output).toContain('./start_miner.sh stop');
    expect(calls()).toEqual([]);
  });

  it('pm2 start refuses an instance name that a miner of another folder has', async () => {
    has({ id: 1, name: 'sn34-miner-two', cwd: '/elsewhere', hotkey });
    const { exitCode, output } = await start([], { INSTANCE: 'two' });
    expect(exitCode).toBe(10);
    expect(output).toContain(
      'CONFIG_INSTANCE_TAKEN: pm2 runs a miner of /elsewhere under the name sn34-miner-two',
    );
    expect(output).toContain('INSTANCE');
    expect(calls()).toEqual([]);
  });

  it('pm2 start shows the output of a pm2 that fails', async () => {
    writeFileSync(
      join(folder, 'pm2'),
      `#!/bin/sh\n[ "$1" = jlist ] && echo '[]' && exit\necho 'no room left' >&2\nexit 1\n`,
    );
    const { exitCode, output } = await start();
    expect(exitCode).toBe(1);
    expect(output).toMatch(/PM2_FAILED: .*pm2 start .*: no room left\n/);
  });
});

describe.each(['start', 'stop'])('pm2 %s', (action) => {
  it('ends neither of two miners with former names, and shows the command that ends one', async () => {
    const [one, two] = [await startAdminPort(hotkey), await startAdminPort('5B')];
    has({ id: 1, name: 'sn34-detector', pid: one.pid }, { id: 2, name: 'sn34-segmenter', pid: two.pid });
    const { exitCode, output } = await (action === 'start' ? start() : pm2(['stop']));
    expect([exitCode, output]).toEqual([10, expect.stringContaining(`${join(folder, 'pm2')} delete 2 `)]);
    expect(calls()).toEqual([]);
  });
});

describe('pm2 stop', () => {
  it('pm2 stop ends only the process of its instance', async () => {
    has({ id: 1, name: 'sn34-miner' }, { id: 2, name: 'sn34-miner-two' }, { id: 3, name: 'web' });
    writeFileSync(join(home, 'dump.pm2'), JSON.stringify([{ name: 'sn34-miner-two' }]));
    const { exitCode, output } = await pm2(['stop'], { INSTANCE: 'two' });
    expect(exitCode).toBe(0);
    expect(calls()).toEqual([['delete', '2']]);
    expect(output).toContain('sn34-miner-two has ended, and pm2 has forgotten it\n');
    expect(output).toContain(`a reboot would start it again: ${join(folder, 'pm2')} save\n`);
  });

  it('pm2 stop says that no miner runs, and does not touch one of another folder', async () => {
    has({ id: 1, name: 'sn34-miner', cwd: '/elsewhere' });
    expect(await pm2(['stop'])).toMatchObject({
      exitCode: 10,
      output: expect.stringContaining('/elsewhere'),
    });
    expect(await pm2(['stop'], { INSTANCE: 'two' })).toMatchObject({
      exitCode: 0,
      output: 'sn34-miner-two does not run under pm2\n',
    });
    expect(calls()).toEqual([]);
  });
});

describe.each(['stop', 'status'])('pm2 %s', (action) => {
  it('refuses a word after it that may be meant as an instance', async () => {
    has({ id: 1, name: 'sn34-miner' });
    const { exitCode, output } = await pm2([action, 'two']);
    expect([exitCode, output]).toEqual([
      10,
      expect.stringContaining(`${action} takes no "two"; --instance NAME`),
    ]);
    expect(readFileSync(join(home, 'list'), 'utf8')).toContain('"pm_id":1');
  });
});

describe('pm2 status', () => {
  it('pm2 status shows the exit code and the last words of a miner that has ended', async () => {
    has({ id: 1, name: 'sn34-miner' });
    mkdirSync(join(home, 'logs'));
    writeFileSync(join(home, 'logs/sn34-miner-error.log'), 'MODEL_NOT_FOUND: there is no x\nremedy\n');
    const { exitCode, output } = await pm2(['status']);
    expect(exitCode).toBe(1);
    expect(output).toBe(
      'sn34-miner does not run; pm2 calls it "stopped", its last exit code was 13\n  MODEL_NOT_FOUND: there is no x\n  remedy\n',
    );
  });

  it('pm2 status says that pm2 is starting a miner that has no pid yet', async () => {
    const facts = { status: 'launching', pm_cwd: ROOT, restart_time: 0 };
    writeFileSync(
      join(home, 'list'),
      JSON.stringify([{ pid: 0, name: 'sn34-miner', pm_id: 1, pm2_env: facts }]),
    );
    expect(await pm2(['status'])).toMatchObject({
      exitCode: 1,
      output: 'sn34-miner is being started by pm2; run ./start_miner.sh status again in a moment\n',
    });
  });

  it('pm2 status and logs say that no miner runs, without starting the daemon of pm2', async () => {
    const none = { PM2_HOME: join(folder, 'none') };
    for (const command of ['status', 'logs']) {
      expect(await pm2([command], none)).toMatchObject({
        exitCode: 1,
        output: 'sn34-miner does not run under pm2; ./start_miner.sh starts it\n',
      });
    }
  });
});

describe('pm2 logs', () => {
  it('pm2 logs follows the log of its instance, with the flags of pm2 logs', async () => {
    has({ id: 2, name: 'sn34-miner-two' });
    expect(await pm2(['logs', '--lines', '5'], { INSTANCE: 'two' })).toMatchObject({ exitCode: 0 });
    expect(calls()).toEqual([['logs', 'sn34-miner-two', '--lines', '5']]);
  });
});

describe('pm2', () => {
  it.each([[[]], [['restart']]])('pm2 with %j shows its usage', async (args) => {
    const { exitCode, output } = await pm2(args);
    expect([exitCode, output]).toEqual([
      10,
      expect.stringMatching(/^CONFIG_INVALID: .*\nUsage: node dist\/main.js pm2 /s),
    ]);
  });
});
