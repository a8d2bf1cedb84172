import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSettingsFile } from '../../src/config/load.ts';
import { metaOf, SETTING_KEYS, type SettingKey, settingsSchema } from '../../src/config/schema.ts';

const TEMPLATE = join(import.meta.dirname, '../../.env.miner.template');

const HEADER = `# Settings of the miner. Copy this file to .env.miner and fill it in; it is read as data, never run by a shell.
# A line that is left empty or commented out keeps its default. node dist/main.js config shows what is in effect.
`;

/** What a person changes first stands open; the rest is shown with its default, commented out. */
const OPEN_KEYS: ReadonlySet<SettingKey> = new Set([
  'MINER_TYPE',
  'WALLET_NAME',
  'WALLET_HOTKEY',
  'NETWORK',
  'AXON_PORT',
  'AXON_EXTERNAL_IP',
  'FORCE_VPERMIT',
  'DEVICE',
  'LOGLEVEL',
]);

function renderTemplate(): string {
  const defaults = settingsSchema.parse({});
  const sections = [...new Set(SETTING_KEYS.map((key) => metaOf(key).section))];
  const lines = sections.flatMap((section) => [
    `\n# --- ${section}`,
    ...SETTING_KEYS.filter((key) => metaOf(key).section === section).map((key) => {
      const value = metaOf(key).example ?? String(defaults[key] ?? '');
      return `# ${metaOf(key).doc}\n${OPEN_KEYS.has(key) ? '' : '#'}${key}=${value}`;
    }),
  ]);
  return `${HEADER}${lines.join('\n')}\n`;
}

// `npm run docs` writes it.
it('the template holds every setting with its documentation and its default', async () => {
  await expect(renderTemplate()).toMatchFileSnapshot(TEMPLATE);
});

it('the template names no unknown key', () => {
  for (const key of Object.keys(readSettingsFile(TEMPLATE))) expect(SETTING_KEYS).toContain(key);
});
