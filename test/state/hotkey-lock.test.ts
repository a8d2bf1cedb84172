import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { checkHotkeyLock, takeHotkeyLock } from '../../src/state/hotkey-lock.ts';
import { makePrivateFolder } from '../../src/state/private-folder.ts';
import { canMount } from '../fixtures/can-mount.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { OTHER_UID, otherUserCanRead, spawnAsOtherUser } from '../fixtures/other-user.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';

const HOTKEY = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const SOURCE = join(import.meta.dirname, '../../dist/state/hotkey-lock.js');

/** A process that takes the lock, has a child of its own, and says so. */
const HOLDER = `
import { spawn } from 'node:child_process';
import { takeHotkeyLock } from ${JSON.stringify(SOURCE)};
const [folder, hotkey] = process.argv.slice(1);
const lock = await takeHotkeyLock({
  folder, hotkey, waitMs: 0, logger: { warn() {} }, signal: new AbortController().signal,
  holder: { pid: process.pid, checkout: '/opt/first', axonPort: 8091, adminPort: 9091 },
});
const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
console.log(child.pid);
process.on('message', () => lock.release());
setInterval(() => {}, 1000);
`;

async function startHolder(folder: string): Promise<{ holder: ChildProcess; childPid: number }> {
  const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, folder, HOTKEY], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [line] = (await once(holder.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const childPid = Number(line.toString());
  onTestFinished(() => void process.kill(childPid, 'SIGKILL'));
  return { holder, childPid };
}

async function kill(holder: ChildProcess): Promise<void> {
  holder.kill('SIGKILL');
  await once(holder, 'exit');
}

function take(folder: string, { waitMs = 0, signal = new AbortController().signal } = {}) {
  const { logger, lines } = createCapturingLogger();
  const holder = { pid: process.pid, checkout: '/opt/second', axonPort: 8092, adminPort: 9092 };
  return { lines, taking: takeHotkeyLock({ folder, hotkey: HOTKEY, holder, waitMs, logger, signal }) };
}

const check = (folder: string, replacing: number[] = []) =>
  checkHotkeyLock({ folder, hotkey: HOTKEY, replacing, signal: new AbortController().signal });

describe('the lock of a hotkey', () => {
  it('a hotkey lock that another process has is refused, and the error names the process', async () => {
    const folder = temporaryFolderPath();
    const { holder } = await startHolder(folder);
    const refusal = {
      code: 'HOTKEY_IN_USE',
      message: `the process ${holder.pid} of /opt/first (AXON_PORT 8091) runs the hotkey ${HOTKEY} and holds ${join(folder, 'lock')}`,
    };
    await expect(take(folder).taking).rejects.toMatchObject(refusal);
    await expect(check(folder)).rejects.toMatchObject(refusal);
    await kill(holder);
  });

  it('a hotkey lock is free at once when its holder is killed, even if a child of the holder lives on', async () => {
    const folder = temporaryFolderPath();
    const { holder, childPid } = await startHolder(folder);
    await kill(holder);
    process.kill(childPid, 0);
    const lock = await take(folder).taking;
    lock.release();
  });

  it.skipIf(!canMount())(
    'names its holder though the disk has become full since its first start (needs root and mount)',
    async () => {
      const folder = temporaryFolderPath();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
      try {
        (await take(folder).taking).release();
        expect(() => writeFileSync(join(folder, 'full'), Buffer.alloc(1024 * 1024))).toThrow('ENOSPC');
        const lock = await take(folder).taking;
        const refusal = await check(folder).catch((error: unknown) => error);
        lock.release();
        expect(refusal).toMatchObject({
          message: expect.stringContaining(`the process ${process.pid} of /opt/second (AXON_PORT 8092)`),
        });
        await check(folder);
      } finally {
        execFileSync('umount', [folder]);
      }
    },
  );

  it('children do not inherit a hotkey lock', async () => {
    const folder = temporaryFolderPath();
    const { holder, childPid } = await startHolder(folder);
    const files = readdirSync(`/proc/${childPid}/fd`).map((name) =>
      readlinkSync(`/proc/${childPid}/fd/${name}`),
    );
    expect(files).not.toContain(join(folder, 'lock'));
    await kill(holder);
  });

  it('a hotkey lock is waited for, which is logged, and taken when its holder ends', async () => {
    const folder = temporaryFolderPath();
    const { holder } = await startHolder(folder);
    const { taking, lines } = take(folder, { waitMs: 20_000 });
    await until(() => lines().length > 0);
    expect(lines()).toMatchObject([{ holder: { pid: holder.pid }, waitMs: 20_000 }]);
    await kill(holder);
    (await taking).release();
  });

  it('an aborted start no longer waits for a hotkey lock', async () => {
    const folder = temporaryFolderPath();
    const { holder } = await startHolder(folder);
    const stop = new AbortController();
    const { taking, lines } = take(folder, { waitMs: 20_000, signal: stop.signal });
    await until(() => lines().length > 0);
    stop.abort(new Error('called off'));
    await expect(taking).rejects.toThrow('called off');
    await kill(holder);
  });

  it('a process can take a hotkey lock again after it released it', async () => {
    const folder = temporaryFolderPath();
    (await take(folder).taking).release();
    const lock = await take(folder).taking;
    await expect(take(folder).taking).rejects.toMatchObject({ code: 'HOTKEY_IN_USE' });
    lock.release();
  });

  it('a hotkey lock counts as free for the process that replaces its holder, and a check does not take it', async () => {
    const folder = temporaryFolderPath();
    const { holder } = await startHolder(folder);
    await check(folder, [holder.pid ?? 0]);
    await expect(check(folder, [1])).rejects.toMatchObject({ code: 'HOTKEY_IN_USE' });
    await kill(holder);
    await check(folder);
    await check(folder);
    (await take(folder).taking).release();
  });

  it('the lock file is private to this user', async () => {
    const folder = temporaryFolderPath();
    const lock = await take(folder).taking;
    expect(statSync(join(folder, 'lock')).mode & 0o777).toBe(0o600);
    lock.release();
  });

  it.skipIf(!otherUserCanRead('/'))(
    'cannot be blocked by another user, who may not open it (needs root and setpriv)',
    async () => {
      const folder = temporaryFolderPath();
      const mine = join(folder, 'mine');
      await makePrivateFolder(mine);
      chmodSync(folder, 0o755);
      (await take(mine).taking).release();
      const asOther = (...args: string[]) => spawnAsOtherUser('flock', args, { stdio: 'ignore' });
      const [code] = await once(asOther('--nonblock', join(mine, 'lock'), 'true'), 'exit');
      expect(code).not.toBe(0);
      // The same user can, in a folder that is open to all: the test would see it.
      chownSync(mine, OTHER_UID, OTHER_UID);
      chownSync(join(mine, 'lock'), OTHER_UID, OTHER_UID);
      const [allowed] = await once(asOther('--nonblock', join(mine, 'lock'), 'true'), 'exit');
      expect(allowed).toBe(0);
    },
  );

  it('the error without flock names the package to install', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    await expect(take(temporaryFolderPath()).taking).rejects.toMatchObject({
      code: 'STATE_DIR_UNUSABLE',
      message: 'flock is not installed: apt-get install util-linux',
    });
  });

  it('a link in place of the lock file is not followed', async () => {
    const folder = temporaryFolderPath();
    writeFileSync(join(folder, 'other'), 'kept');
    symlinkSync(join(folder, 'other'), join(folder, 'lock'));
    await expect(take(folder).taking).rejects.toMatchObject({
      code: 'STATE_DIR_UNUSABLE',
      message: expect.stringContaining('ELOOP'),
    });
  });

  it.each(['pipe', 'folder'])('a %s in place of the lock file is refused', async (kind) => {
    const folder = temporaryFolderPath();
    if (kind === 'pipe') spawnSync('mkfifo', [join(folder, 'lock')]);
    else mkdirSync(join(folder, 'lock'));
    await expect(take(folder).taking).rejects.toMatchObject({ code: 'STATE_DIR_UNUSABLE' });
  });
});
