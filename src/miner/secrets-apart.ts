import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MinerConfig } from '../config/miner-config.ts';
import { MinerError } from '../errors.ts';
import { isPartOfModel } from '../inference/files/model-folder.ts';

/**
 * Makes sure that no wallet or password lies in the folder of a model. A model may come from anybody and names the files of
 * its weights itself, so it could name a secret.
 * @throws MinerError CONFIG_INVALID
 */
export async function requireSecretsApart(
  config: Pick<MinerConfig, 'wallet' | 'models' | 'minerType'>,
): Promise<void> {
  const { wallet, models, minerType } = config;
  const used =
    minerType === 'segmenter'
      ? { SEGMENTER_MODEL: models.segmenter }
      : { IMAGE_MODEL: models.image, VIDEO_MODEL: models.video };
  const secrets = {
    WALLET_PATH: join(wallet.folder, wallet.name),
    WALLET_PASSWORD_FILE: wallet.passwordFile,
  };
  for (const [modelSetting, model] of Object.entries(used)) {
    const folder = await folderOf(model);
    for (const [secretSetting, secret] of Object.entries(secrets)) {
      const path = secret === undefined ? undefined : await realpath(secret).catch(() => undefined);
      if (folder === undefined || path === undefined || !isPartOfModel(folder, path)) continue;
      throw new MinerError(
        'CONFIG_INVALID',
        `${secretSetting} lies in the folder of ${modelSetting} (${folder}), whose files a model may read; ` +
          'give the model a folder of its own',
      );
    }
  }
}

/** The folder whose files may be parts of the model, with links resolved; undefined if there is no model. */
async function folderOf(model: string): Promise<string | undefined> {
  try {
    const path = (await stat(model)).isDirectory() ? model : dirname(model);
    return await realpath(path);
  } catch {
    return undefined;
  }
}
