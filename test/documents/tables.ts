import { flagsOf } from '../../src/config/flags.ts';
import { metaOf, SETTING_KEYS, settingsSchema } from '../../src/config/schema.ts';
import { ERROR_DEFINITIONS, type ErrorCode } from '../../src/errors.ts';
import { modelJsonSchema } from '../../src/inference/contract/model-json.ts';
import { EXIT_CODES, exitCodeOf } from '../../src/miner/exit-codes.ts';

/** The tables that documents take from the code: by document, and by the name in the two comments around a table. */
export const TABLES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/settings.md': { settings: settingsTables },
  'docs/errors.md': { 'exit codes': exitCodeTable, 'error codes': errorTable },
  'models/README.md': { fields: fieldTable },
};

/**
 * The text of a document with its tables as the code has them.
 * @throws Error if the comments around a table are missing
 */
export function withTables(text: string, tables: Readonly<Record<string, () => string>>): string {
  return Object.entries(tables).reduce((document, [name, render]) => {
    const start = `<!-- ${name}: from the code -->\n`;
    const end = `<!-- end of ${name} -->`;
    const [from, to] = [document.indexOf(start) + start.length, document.indexOf(end)];
    if (from < start.length || to < from)
      throw new Error(`the document has no place for the table "${name}"`);
    return `${document.slice(0, from)}${render()}\n${document.slice(to)}`;
  }, text);
}

const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  ok: 'The command did what was asked.',
  internal: 'A failure that a restart may mend.',
  config: 'Settings are wrong or missing.',
  wallet: 'The hotkey is missing, damaged or locked.',
  notRegistered: 'The hotkey is not registered, and `ON_UNREGISTERED` is `exit`.',
  model: 'A model is missing, invalid, or has not the device that it needs.',
  portInUse: 'Another process has the port.',
  wrongNetwork: 'The chain is another one than `NETWORK` names, or a development key meets a public chain.',
  hotkeyInUse: 'Another process on this host runs the hotkey.',
  forced:
    'A second signal came during the shutdown, or a signal came before a command such as `inspect` ended.',
};

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

const code = (text: string) => `\`${text}\``;

function settingsTables(): string {
  const defaults = settingsSchema.parse({});
  const sections = [...new Set(SETTING_KEYS.map((key) => metaOf(key).section))];
  return sections
    .map((section) => {
      const [, name = '', words, aside] = /^([^:(]+?)(?:: (.*)| \((.*)\))?$/.exec(section) ?? [];
      const note = words ?? aside ?? '';
      const rows = SETTING_KEYS.filter((key) => metaOf(key).section === section).map((key) => [
        code(key),
        defaults[key] === undefined ? '' : code(String(defaults[key])),
        metaOf(key).doc,
        code(`--${flagsOf(key)[0]}`),
        (metaOf(key).aliases ?? []).map(code).join(', '),
      ]);
      const heads = ['setting', 'default', 'what it is', 'flag', 'SDK variable'];
      const sentence = note === '' ? '' : `${note.charAt(0).toUpperCase()}${note.slice(1)}.\n\n`;
      return `\n## ${name}\n\n${sentence}${table(heads, rows)}\n`;
    })
    .join('');
}

function exitCodeTable(): string {
  const errors = Object.keys(ERROR_DEFINITIONS) as ErrorCode[];
  const rows = Object.entries(EXIT_CODES).map(([name, exitCode]) => [
    String(exitCode),
    EXIT_MEANINGS[name as keyof typeof EXIT_CODES],
    name === 'internal'
      ? 'all others'
      : errors
          .filter((error) => exitCodeOf(error) === exitCode)
          .map(code)
          .join(', '),
  ]);
  return table(['exit code', 'what happened', 'error codes'], rows);
}

function errorTable(): string {
  const rows = Object.entries(ERROR_DEFINITIONS).map(([name, { status, meaning, remedy }]) => [
    code(name),
    String(status ?? ''),
    meaning,
    remedy,
  ]);
  return table(['code', 'HTTP', 'what happened', 'what to do'], rows);
}

function fieldTable(): string {
  const { task, input, output } = modelJsonSchema.shape;
  const rows = [
    ...fields('', { task }),
    ...fields('input.', input.unwrap().shape),
    ...fields('output.', output.unwrap().shape),
  ];
  return table(['field', 'meaning'], rows);
}

function fields(
  prefix: string,
  shape: Readonly<Record<string, { meta(): { description?: string | undefined } | undefined }>>,
): string[][] {
  return Object.entries(shape).map(([key, field]) => [code(prefix + key), `${field.meta()?.description}`]);
}
