import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LIVE_NETWORK_NOTICE } from '../../src/chain/validator-release.ts';
import { flagsOf } from '../../src/config/flags.ts';
import { metaOf, SETTING_KEYS, settingsSchema } from '../../src/config/schema.ts';
import { ERROR_DEFINITIONS, type ErrorCode } from '../../src/errors.ts';
import { EXIT_CODES, LASTING_EXIT_CODES } from '../../src/miner/exit-codes.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = join(ROOT, 'README.md');

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  ok: 'ended as asked',
  internal: 'a fault that a restart may mend',
  config: 'settings wrong or missing',
  wallet: 'hotkey missing, damaged or locked',
  notRegistered: 'not registered, and `ON_UNREGISTERED=exit`',
  model: 'model missing, invalid or without its device',
  portInUse: 'a port is taken',
  wrongNetwork: 'another chain than asked for, or a development key on a public chain',
  hotkeyInUse: 'another process runs the hotkey',
  forced: 'a second signal during shutdown, or one before a command such as `inspect` was done',
};

const cell = (text: string) => text.replaceAll('|', '\\|');

function settingsTable(): string {
  const defaults = settingsSchema.parse({});
  const rows = SETTING_KEYS.map((key) => {
    const { doc } = metaOf(key);
    const value = defaults[key] === undefined ? '' : `\`${String(defaults[key])}\``;
    return `| \`${key}\` | ${value} | ${cell(doc)} | \`--${flagsOf(key)[0]}\` |`;
  });
  return ['| setting | default | what it is | flag |', '|---|---|---|---|', ...rows].join('\n');
}

function exitTable(): string {
  const rows = Object.entries(EXIT_CODES).map(
    ([name, code]) => `| ${code} | ${EXIT_MEANINGS[name as keyof typeof EXIT_CODES]} |`,
  );
  return ['| exit code of the miner | meaning |', '|---|---|', ...rows].join('\n');
}

function errorTable(): string {
  const rows = Object.entries(ERROR_DEFINITIONS).map(
    ([code, { status, meaning, remedy }]) =>
      `| \`${code satisfies string as ErrorCode}\` | ${status ?? ''} | ${cell(meaning)} | ${cell(remedy)} |`,
  );
  return ['| code | HTTP | what happened | what to do |', '|---|---|---|---|', ...rows].join('\n');
}

/** Tables in the README stand between two comments; `UPDATE_README=1 npx vitest run test/documents` writes them anew. */
it.each([
  ['settings', settingsTable],
  ['exit codes', exitTable],
  ['error codes', errorTable],
])('the table of %s in the README is that of the code', (name, render) => {
  const readme = readFileSync(README, 'utf8');
  const start = `<!-- ${name}: from the code -->\n`;
  const end = `\n<!-- end of ${name} -->`;
  expect(readme).toContain(start);
  expect(readme).toContain(end);
  const from = readme.indexOf(start) + start.length;
  const to = readme.indexOf(end);
  if (process.env.UPDATE_README === '1') {
    writeFileSync(README, readme.slice(0, from) + render() + readme.slice(to));
    return;
  }
  expect(readme.slice(from, to)).toBe(render());
});

it('the process manager stops on exactly the exit codes that a restart does not mend', () => {
  process.env.SN34_PM2_FLAGS = '[]';
  const { apps } = createRequire(import.meta.url)(join(ROOT, 'deploy/ecosystem.config.cjs')) as {
    apps: Array<{ stop_exit_codes: number[]; kill_timeout: number }>;
  };
  const { ok, internal, forced, ...lasting } = EXIT_CODES;
  expect([ok, internal, forced]).toEqual([0, 1, 130]);
  expect([...LASTING_EXIT_CODES]).toEqual(Object.values(lasting));
  expect(apps[0]?.stop_exit_codes).toEqual([...LASTING_EXIT_CODES]);
  const unit = readFileSync(join(ROOT, 'deploy/sn34-miner.service'), 'utf8');
  expect(unit).toContain(`\nRestartPreventExitStatus=${[...LASTING_EXIT_CODES].join(' ')}\n`);
  expect(apps[0]?.kill_timeout).toBeGreaterThan(15_000);
});

it('the README says of the live network what the notice to the unregistered says', () => {
  const words = readFileSync(README, 'utf8').replaceAll(/\s+(> )?/g, ' ');
  expect(words).toContain(LIVE_NETWORK_NOTICE);
});
