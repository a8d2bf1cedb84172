import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPassword, passwordVariable, revealPassword } from '../../src/wallet/password.ts';
import { type CapturingLogger, createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { ENCRYPTED, HIDDEN_PASSWORD } from './fixtures.ts';

const { keyfilePath, variable, value } = HIDDEN_PASSWORD;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe('the password of an encrypted hotkey', () => {
  let folder: string;
  let sink: CapturingLogger;
  const find = (env: Record<string, string>, passwordFile?: string) =>
    findPassword({
      keyfilePath,
      passwordFile,
      env,
      logger: sink.logger,
    });
  const write = async (content: string | Uint8Array, mode = 0o600) => {
    const path = join(folder, 'password');
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sn34-password-'));
    sink = createCapturingLogger();
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('comes from a variable named after the path of the key file', () => {
    expect(passwordVariable(keyfilePath)).toBe(variable);
    expect(passwordVariable('/srv/my-keys/w 1/hotkeys/k')).toBe('BT_PW__SRV_MY-KEYS_W 1_HOTKEYS_K');
  });

  it('is hidden in the variable by that name', async () => {
    expect(text(revealPassword(variable, value))).toBe(ENCRYPTED.password);
    expect(text(await find({ [variable]: value }))).toBe(ENCRYPTED.password);
  });

  it.each([
    ['/srv/.//w/./default/hotkeys/first', '/srv/w/default/hotkeys/first'],
    ['./wallets//w/hotkeys/first', 'wallets/w/hotkeys/first'],
    ['././w/hotkeys/first', 'w/hotkeys/first'],
    ['/srv//././/w/hotkeys/.first', '/srv/w/hotkeys/.first'],
    ['../w/hotkeys/first', '../w/hotkeys/first'],
  ])(
    'comes from the variable of %s as it is spelled, else as SDK 11 spells it: %s',
    async (path, spelled) => {
      const hide = (name: string, password: string) =>
        Buffer.from(
          Buffer.from(password).map((byte, index) => byte ^ name.charCodeAt(index % name.length)),
        ).toString('base64');
      const [asWritten, bySdk] = [passwordVariable(path), passwordVariable(spelled)];
      const given = { keyfilePath: path, logger: sink.logger };
      const env = { [bySdk]: hide(bySdk, 'of SDK 11') };
      expect(text(await findPassword({ ...given, env }))).toBe('of SDK 11');
      const both = { ...env, [asWritten]: hide(asWritten, 'as written') };
      expect(text(await findPassword({ ...given, env: both }))).toBe('as written');
    },
  );

  it('may be longer than the name and need not be ASCII', () => {
    const password = 'pässwörd '.repeat(20);
    const hidden = Buffer.from(password).map(
      (byte, index) => byte ^ variable.charCodeAt(index % variable.length),
    );
    expect(text(revealPassword(variable, Buffer.from(hidden).toString('base64')))).toBe(password);
  });

  it.each(['correct horse battery', 'hunter2', 'ITstIjI8K2g=garbage'])(
    'is refused when the variable holds %j, which is not base64, and is not repeated',
    async (plain) => {
      const error = await find({ [variable]: plain }).catch((reason) => reason);
      expect(error).toMatchObject({ code: 'WALLET_PASSWORD_WRONG' });
      expect(error.message).toContain(variable);
      expect(error.message).not.toContain(plain);
    },
  );

  it.each(['absent', 'empty'])('is never asked for: a variable that is %s is named', async (state) => {
    await expect(find(state === 'empty' ? { [variable]: '' } : {})).rejects.toMatchObject({
      code: 'WALLET_PASSWORD_MISSING',
      message: expect.stringContaining(variable),
    });
  });

  it.each([
    ['as it is', 'secret words', 'secret words'],
    ['without its line end', 'secret words\n', 'secret words'],
    ['without its Windows line end', 'secret words\r\n', 'secret words'],
    ['with all other white space', ' secret words \n\n', ' secret words \n'],
  ])('is read from a password file %s', async (_, content, password) => {
    expect(text(await find({ [variable]: value }, await write(content)))).toBe(password);
    expect(sink.lines()).toEqual([]);
  });

  it.each([0o640, 0o604])('is taken from a file that others can read (%o) with a warning', async (mode) => {
    const path = await write('secret', mode);
    expect(text(await find({}, path))).toBe('secret');
    expect(sink.lines()).toMatchObject([{ path, msg: 'password file is readable by others; chmod 600 it' }]);
  });

  it.each([
    ['is missing', () => join(folder, 'nowhere'), /ENOENT/],
    ['is a folder', () => folder, /not a regular file/],
    ['is empty', () => write('\n'), /is empty/],
    ['is no password at all', () => write('x'.repeat(4097)), /more than 4096 bytes/],
  ])('is refused when the password file %s', async (_, path, message) => {
    await expect(find({}, await path())).rejects.toMatchObject({
      code: 'WALLET_PASSWORD_MISSING',
      message: expect.stringMatching(message),
    });
  });
});
