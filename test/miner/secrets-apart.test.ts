import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireSecretsApart } from '../../src/miner/secrets-apart.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

/** A folder with a model, and a wallet and a password where the test wants them. */
function setUp() {
  const root = temporaryFolderPath();
  const folder = join(root, 'data');
  const elsewhere = join(root, 'elsewhere');
  for (const path of [join(folder, 'wallets/mine/hotkeys'), join(elsewhere, 'mine/hotkeys')]) {
    mkdirSync(path, { recursive: true });
  }
  for (const path of [join(folder, 'model.onnx'), join(folder, 'password'), join(elsewhere, 'password')]) {
    writeFileSync(path, '');
  }
  const judge = ({
    path = elsewhere,
    passwordFile = join(elsewhere, 'password'),
    model = folder,
    hotkey = 'one',
  }) =>
    requireSecretsApart({
      minerType: 'detector',
      wallet: { path, folder: path, name: 'mine', hotkey, passwordFile },
      models: { image: model, video: join(root, 'none'), segmenter: join(root, 'none') },
    });
  return { root, folder, judge };
}

const refusedFor = (setting: string) => ({
  code: 'CONFIG_INVALID',
  message: expect.stringContaining(setting),
});

describe('the check that secrets lie apart from models', () => {
  it('a wallet and a password outside the folder of a model are accepted', async () => {
    const { folder, judge } = setUp();
    await expect(judge({})).resolves.toBeUndefined();
    await expect(judge({ model: join(folder, 'model.onnx') })).resolves.toBeUndefined();
  });

  it.each(['', 'model.onnx'])(
    'a wallet in the folder of a model is refused (the model: %s)',
    async (file) => {
      const { folder, judge } = setUp();
      const path = join(folder, 'wallets');
      await expect(judge({ model: join(folder, file), path })).rejects.toMatchObject(
        refusedFor('WALLET_PATH'),
      );
    },
  );

  it('a wallet is refused if the folder of the wallets is that of a model', async () => {
    const { folder, judge } = setUp();
    mkdirSync(join(folder, 'mine/hotkeys'), { recursive: true });
    await expect(judge({ path: folder })).rejects.toMatchObject(refusedFor('WALLET_PATH'));
  });

  it('a wallet in the folder of a model is refused, also if WALLET_PATH is a link to it', async () => {
    const { root, folder, judge } = setUp();
    const link = join(root, 'link');
    symlinkSync(join(folder, 'wallets'), link);
    await expect(judge({ path: link })).rejects.toMatchObject(refusedFor('WALLET_PATH'));
  });

  it('a password file in the folder of a model is refused', async () => {
    const { folder, judge } = setUp();
    const passwordFile = join(folder, 'password');
    await expect(judge({ passwordFile })).rejects.toMatchObject(refusedFor('WALLET_PASSWORD_FILE'));
  });
});
