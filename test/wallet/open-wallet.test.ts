import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sr25519Verify } from '@polkadot/util-crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWallet } from '../../src/wallet/open-wallet.ts';
import { passwordVariable } from '../../src/wallet/password.ts';
import { type CapturingLogger, createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { ALICE, DEV, ENCRYPTED, FULL_KEYFILE, hexOf } from './fixtures.ts';

describe('openWallet', () => {
  let path: string;
  let hotkeys: string;
  let sink: CapturingLogger;
  const open = (options: { folder?: string; name?: string; hotkey?: string; passwordFile?: string } = {}) => {
    const { logger } = sink;
    return openWallet({ path, folder: path, name: 'miner', hotkey: 'default', env: {}, logger, ...options });
  };
  const write = async (hotkey: string, content: unknown, mode = 0o600) => {
    const text = Buffer.isBuffer(content) ? content : JSON.stringify(content);
    await writeFile(join(hotkeys, hotkey), text);
    await chmod(join(hotkeys, hotkey), mode);
    return join(hotkeys, hotkey);
  };

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'sn34-wallets-'));
    hotkeys = join(path, 'miner', 'hotkeys');
    await mkdir(hotkeys, { recursive: true });
    sink = createCapturingLogger();
  });
  afterEach(() => rm(path, { recursive: true }));

  it('opens a plain hotkey file and signs with it', async () => {
    const origin = await write('default', FULL_KEYFILE);
    const wallet = await open();

    expect(wallet).toMatchObject({ hotkeyAddress: DEV.ss58Address, origin });
    expect(hexOf(wallet.publicKey)).toBe(DEV.publicKey);
    expect(sr25519Verify('message', wallet.sign('message'), wallet.publicKey)).toBe(true);
    expect(sink.text()).toBe('');
  });

  it('opens an encrypted hotkey file with a password file', { timeout: 180_000 }, async () => {
    await write('default', ENCRYPTED.file);
    const passwordFile = join(path, 'password');
    await writeFile(passwordFile, `${ENCRYPTED.password}\n`, { mode: 0o600 });

    await expect(open({ passwordFile })).resolves.toMatchObject({ hotkeyAddress: DEV.ss58Address });
    expect(sink.lines()).toMatchObject([{ msg: 'opening the encrypted hotkey; this takes some seconds' }]);
    expect(sink.text()).not.toContain(ENCRYPTED.password);
  });

  it('names the password variable of an encrypted hotkey when there is no password', async () => {
    const keyfile = await write('default', ENCRYPTED.file);
    await expect(open()).rejects.toMatchObject({
      code: 'WALLET_PASSWORD_MISSING',
      message: expect.stringContaining(passwordVariable(keyfile)),
    });
  });

  it('spells the path for that variable as the wallet tool does: joined, not normalised', async () => {
    const keyfile = await write('default', ENCRYPTED.file);
    await expect(open({ folder: `${path}/../${path.split('/').at(-1)}` })).rejects.toMatchObject({
      message: expect.stringContaining(
        passwordVariable(`${path}/../${path.split('/').at(-1)}${keyfile.slice(path.length)}`),
      ),
    });
  });

  it.each([
    ['$ANSIBLE_VAULT;1.1;AES256\n6162', 'ansible-vault'],
    ['gAAAAABkabcdef', 'fernet'],
  ])('refuses the old encryption of %j and says how to convert it', async (content, encoding) => {
    await write('default', Buffer.from(content));
    const error = await open().catch((reason) => reason);
    expect(error).toMatchObject({ code: 'WALLET_FORMAT', message: expect.stringContaining(encoding) });
    for (const nameOption of ['--wallet', '--wallet-name']) {
      const options = `${nameOption} miner --wallet-hotkey default --wallet-path ${path}`;
      expect(error.message).toContain(`\`btcli wallet regen-hotkey ${options}\``);
    }
  });

  it('follows a symbolic link to the hotkey', async () => {
    await symlink(await write('real', FULL_KEYFILE), join(hotkeys, 'default'));
    expect((await open()).hotkeyAddress).toBe(DEV.ss58Address);
  });

  it('names the missing file in full and the hotkeys that do exist', async () => {
    await write('second', FULL_KEYFILE);
    await write('first', FULL_KEYFILE);
    await write('firstpub.txt', {});
    await expect(open()).rejects.toMatchObject({
      code: 'WALLET_NOT_FOUND',
      message: `there is no hotkey file ${hotkeys}/default; its folder holds: first, second`,
    });
  });

  it('lists at most 20 hotkeys', async () => {
    for (let index = 0; index < 23; index += 1) await write(`key-${index}`, FULL_KEYFILE);
    await expect(open()).rejects.toMatchObject({ message: expect.stringMatching(/and 3 more$/) });
  });

  it.each([
    ['has no hotkeys', 'miner', 'its folder holds no hotkeys'],
    ['does not exist', 'other', 'and its folder'],
  ])('names the folder when the wallet %s', async (_, name, message) => {
    await expect(open({ name })).rejects.toMatchObject({
      code: 'WALLET_NOT_FOUND',
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['a folder', async () => void (await mkdir(join(hotkeys, 'default'))), /not a regular file/],
    ['a pipe', async () => void execFileSync('mkfifo', [join(hotkeys, 'default')]), /not a regular file/],
    [
      'too large',
      async () => void (await write('default', Buffer.alloc(65_537, ' '))),
      /more than 65536 bytes/,
    ],
  ])('refuses a hotkey file that is %s', async (_, make, message) => {
    await make();
    await expect(open()).rejects.toMatchObject({
      code: 'WALLET_FORMAT',
      message: expect.stringMatching(message),
    });
  });

  it('opens a hotkey file of exactly 64 KiB', async () => {
    await write('default', Buffer.from(JSON.stringify(FULL_KEYFILE).padEnd(65_536)));
    expect((await open()).hotkeyAddress).toBe(DEV.ss58Address);
  });

  it.each([
    ['WALLET_FORMAT', { ss58Address: DEV.ss58Address }],
    ['WALLET_MISMATCH', { ...FULL_KEYFILE, ss58Address: ALICE.ss58Address }],
  ])('names the file in a %s error', async (code, content) => {
    const keyfile = await write('default', content);
    await expect(open()).rejects.toMatchObject({ code, message: expect.stringContaining(keyfile) });
  });

  it('warns of a plain hotkey file that others can read', async () => {
    const origin = await write('default', FULL_KEYFILE, 0o644);
    await open();
    expect(sink.lines()).toMatchObject([
      { path: origin, msg: 'hotkey file is readable by others; chmod 600 it' },
    ]);
  });

  it('names a file that exists and cannot be read', async () => {
    // A link to itself: unlike a mode, it stops the superuser too.
    await symlink('default', join(hotkeys, 'default'));
    await expect(open()).rejects.toMatchObject({
      code: 'WALLET_UNREADABLE',
      message: `the hotkey file ${hotkeys}/default cannot be read (ELOOP)`,
    });
  });
});
