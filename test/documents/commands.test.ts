import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../src/config/flags.ts';
import { type DocumentCommand, documentCommands, ONLY_PARSED } from './commands.ts';
import { codeBlocks, documents, ROOT } from './documents.ts';

const COMMANDS = documentCommands();
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const { scripts } = JSON.parse(textOf('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** The files that name the flags of the miner's own commands. */
const COMMAND_SOURCES = readdirSync(join(ROOT, 'src/commands'))
  .map((name) => textOf(`src/commands/${name}`))
  .join('\n');

/** Programs of the system, or of others. */
const PROGRAMS = '. .ci/run btcli cd cp curl docker git journalctl kill pip pm2 systemctl'.split(' ');

/** Fails if the options of a command are not options of the program. */
const CHECKS: Readonly<Record<string, (args: readonly string[], command: DocumentCommand) => void>> = {
  './start_miner.sh': (args) => {
    const own = ['status', 'stop', 'logs', '--dev', '--foreground', '--help', '--instance', '--lines'];
    const rest = args.filter(
      (arg, index) => !own.includes(arg) && !['--instance', '--lines'].includes(args[index - 1] ?? ''),
    );
    parseFlags(rest);
  },
  './setup.sh': (args) => {
    for (const arg of args) expect(textOf('setup.sh')).toContain(`\n    ${arg}) `);
  },
  node: ([script, command = '', ...args]) => {
    if (script !== 'dist/main.js') return expect(args, `node ${script}`).toEqual([]);
    if (['help', '--help', '--version'].includes(command)) return;
    requireFile(`src/commands/${command}.ts`);
    for (const arg of args) {
      const flag = /^--([\w.-]+)/.exec(arg)?.[1];
      if (flag === undefined || flag === 'help' || COMMAND_SOURCES.includes(flag)) continue;
      parseFlags([`--${flag}`, 'x']);
    }
  },
  npm: ([word = '', ...args]) => {
    if (word === 'ci' || word === 'test') return;
    expect(word).toBe('run');
    const [script = ''] = args.filter((arg) => arg !== '--silent');
    expect(Object.keys(scripts)).toContain(script);
  },
  npx: (args) => {
    const [program, ...rest] = args.filter((arg, index) => !/^-/.test(arg) && args[index - 1] !== '-p');
    expect(['vitest', 'node', 'npm', 'tsc', 'biome', 'knip']).toContain(program);
    if (program !== 'vitest') return;
    for (const path of rest.filter((arg) => arg.startsWith('test/'))) requireFile(path);
  },
  python: ([script = ''], { document }) => {
    if (!script.startsWith('-')) requireFile(join(dirname(document), script));
  },
  python3: (args) => expect(args[0]).toBe('-m'),
};

function isOnlyParsed({ text }: DocumentCommand): boolean {
  return Object.values(ONLY_PARSED)
    .flat()
    .some((start) => text.startsWith(start));
}

function requireFile(path: string): void {
  expect(existsSync(join(ROOT, path)), path).toBe(true);
}

describe('commands in the documents', () => {
  it.each([...documents()].filter(([, text]) => codeBlocks(text, ['bash', 'sh']).length > 0))(
    'the shell blocks of %s are parsed by bash',
    (_path, text) => {
      const script = codeBlocks(text, ['bash', 'sh']).join('\n');
      const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it.each(COMMANDS.map((command) => [command.document, command.text, command] as const))(
    '%s: the program of "%s" takes such a command',
    (_document, _text, command) => {
      const [program, ...args] = command.words;
      if (program === undefined) return;
      const check = CHECKS[program];
      if (check !== undefined) check(args, command);
      else expect([...PROGRAMS, ...(isOnlyParsed(command) ? [program] : [])]).toContain(program);
    },
  );

  it('are found in code blocks and between backticks, without comments', () => {
    const texts = COMMANDS.map(({ text }) => text);
    expect(texts).toContain('./start_miner.sh --dev');
    expect(texts).toContain('npm run docs');
    expect(texts.filter((text) => /#/.test(text))).toEqual([]);
  });

  it('that are only parsed, and not run to check the documents, stand in a document', () => {
    for (const start of Object.values(ONLY_PARSED).flat()) {
      expect(
        COMMANDS.some(({ text }) => text.startsWith(start)),
        start,
      ).toBe(true);
    }
  });
});
