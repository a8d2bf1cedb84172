import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import { unregisteredNotice } from '../../src/miner/registration-log.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { BTCLI_GENERATIONS, type BtcliGeneration, btcliCommand } from '../../src/wallet/btcli.ts';
import { openWallet } from '../../src/wallet/open-wallet.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { BOB } from '../fixtures/validator.ts';
import { ALICE } from '../wallet/fixtures.ts';
import { btcliCommandsIn, type PrintedCommand } from './btcli-commands.ts';
import { runPython } from './python.ts';
import { pythonOf, type Sdk } from './python-environments.ts';

await cryptoWaitReady();

const ROOT = join(import.meta.dirname, '../..');
const ENVIRONMENTS: Readonly<Record<BtcliGeneration, Sdk>> = {
  'SDK 11': 'sdk-11',
  'bittensor-cli 9': 'btcli-9',
};
const PROGRAMS = BTCLI_GENERATIONS.map((generation) => [generation, ENVIRONMENTS[generation]] as const);

const logger = createLogger({ level: 'silent' });
const WALLET = { name: "my mother's", hotkey: 'first', path: '/srv/the wallets' };

/** The files below a folder of the checkout that a person reads commands in, or that print them. */
function filesIn(folder: string, options: { readonly recursive: boolean }): readonly string[] {
  return readdirSync(join(ROOT, folder), { ...options, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(md|ts|sh|service|cjs|template)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !/\.venv|node_modules/.test(path));
}

/** All of them in which there is a command. */
function printing(): readonly (readonly [path: string, text: string])[] {
  return [
    ...filesIn('.', { recursive: false }),
    ...['deploy', 'docs', 'models', 'src'].flatMap((folder) => filesIn(folder, { recursive: true })),
  ]
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')] as const)
    .filter(([, text]) => btcliCommandsIn(text).length > 0);
}

function notice(env: Readonly<Record<string, string>>): string {
  const loaded = loadSettings({
    flags: parseFlags([]),
    env: {
      WALLET_NAME: WALLET.name,
      WALLET_HOTKEY: WALLET.hotkey,
      WALLET_PATH: WALLET.path,
      ...env,
    },
    file: undefined,
  });
  const config = resolveConfig(loaded, { dev: false, root: '/' });
  return unregisteredNotice(config, BOB, { state: 'unregistered', burnTao: 0.5 });
}

/** What `openWallet` says of a hotkey in an old encryption. */
async function refusalOfOldWallet(): Promise<string> {
  const path = temporaryFolderPath();
  await mkdir(join(path, WALLET.name, 'hotkeys'), { recursive: true });
  await writeFile(join(path, WALLET.name, 'hotkeys', WALLET.hotkey), '$ANSIBLE_VAULT;1.1;AES256\n6162');
  return openWallet({ ...WALLET, path, folder: path, env: {}, logger }).then(String, String);
}

/** Of the commands that are meant for a program, those that its parser refuses, with its words. */
async function refused(
  program: BtcliGeneration,
  printed: readonly PrintedCommand[],
): Promise<readonly string[]> {
  const commands = printed
    .filter(({ generation }) => generation === undefined || generation === program)
    .map(({ command }) => command);
  const input = { task: 'parse', home: temporaryFolderPath(), commands };
  const verdicts = await runPython<readonly (string | null)[]>(ENVIRONMENTS[program], 'btcli.py', input);
  return verdicts.flatMap((verdict, index) => (verdict === null ? [] : [`${commands[index]}: ${verdict}`]));
}

describe.each(PROGRAMS)('the parser of btcli of %s', (program, environment) => {
  describe.skipIf(pythonOf(environment).missing)(`with the Python environment ${environment}`, () => {
    it.each(printing())('btcli parses every command in %s', async (_path, text) => {
      expect(await refused(program, btcliCommandsIn(text))).toEqual([]);
    });

    it('btcli parses its commands in the messages of the miner', async () => {
      const texts = [
        notice({ NETWORK: 'finney' }),
        notice({ NETWORK: 'test' }),
        notice({ CHAIN_ENDPOINT: 'ws://127.0.0.1:9955' }),
        await refusalOfOldWallet(),
      ];
      const printed = texts.map(btcliCommandsIn);
      for (const commands of printed) {
        expect(commands.map(({ generation }) => generation)).toEqual(BTCLI_GENERATIONS);
      }
      expect(await refused(program, printed.flat())).toEqual([]);
    });

    it('btcli parses every composed command', async () => {
      const { hotkey, ...coldkey } = WALLET;
      const commands = [
        { command: 'wallet new-coldkey', wallet: coldkey },
        { command: 'wallet new-hotkey', wallet: WALLET },
        { command: 'wallet regen-coldkey', wallet: coldkey },
        { command: 'wallet regen-hotkey', wallet: { name: 'mine', hotkey } },
        { command: 'wallet overview', wallet: coldkey, network: 'test' },
        { command: 'subnets register', wallet: WALLET, netuid: 34, network: 'wss://node.example:443' },
      ] as const;
      const printed = commands.map((command) => ({
        generation: program,
        command: btcliCommand(program, command),
      }));
      expect(await refused(program, printed)).toEqual([]);
    });

    it('btcli refuses the form of the other program, an unknown command, and an extra word', async () => {
      const others = BTCLI_GENERATIONS.filter((generation) => generation !== program);
      const wrong = [
        ...others.map((other) => btcliCommand(other, { command: 'wallet new-hotkey', wallet: WALLET })),
        'btcli wallet new-wotkey',
        'btcli wallet new-hotkey please',
        'btcli subnets register --netuid thirty-four',
      ];
      const printed = wrong.map((command) => ({ generation: program, command }));
      expect(await refused(program, printed)).toHaveLength(wrong.length);
    });

    it('bittensor-cli 9 takes options with dots, and SDK 11 does not', async () => {
      const options = '--netuid 34 --wallet.name a --wallet.hotkey b --subtensor.network finney';
      const words = await refused(program, [{ generation: program, command: `btcli s register ${options}` }]);
      if (program === 'bittensor-cli 9') expect(words).toEqual([]);
      else expect(words).toEqual([expect.stringContaining('No such option: --wallet.name')]);
    });
  });
});

interface Run {
  readonly exitCode: number;
  readonly shown: string;
}

describe.each(PROGRAMS)('the btcli of %s at a terminal', (generation, environment) => {
  it.skipIf(pythonOf(environment).missing)(
    `makes wallets that the miner opens, by our commands, with the Python environment ${environment}`,
    async () => {
      const home = temporaryFolderPath();
      const wallet = { name: "my mother's", path: `${home}/the wallets` };
      const command = (name: 'new-coldkey' | 'new-hotkey' | 'regen-hotkey', hotkey?: string) =>
        btcliCommand(generation, {
          command: `wallet ${name}`,
          wallet: { ...wallet, ...(hotkey === undefined ? {} : { hotkey }) },
        });
      const runs = await runPython<readonly Run[]>(environment, 'btcli.py', {
        task: 'run',
        home,
        commands: [
          command('new-coldkey'),
          command('new-hotkey', 'first'),
          command('new-hotkey', 'second'),
          `${command('regen-hotkey', 'second')} --seed ${ALICE.secretSeed}`,
        ],
        answers: [
          ['(?i)password[^\n]*: *$', 'Correct-Horse-77-Battery'],
          ['(?i)number of words[^\n]*: *$', '12'],
          ['(?i)overwrite[^\n]*$', 'y'],
        ],
      });
      for (const { exitCode, shown } of runs) expect(exitCode, shown).toBe(0);
      expect(readdirSync(join(wallet.path, wallet.name))).toContain('coldkeypub.txt');

      const open = (hotkey: string) =>
        openWallet({ ...wallet, folder: wallet.path, hotkey, env: {}, logger });
      const first = await open('first');
      const publicFile = readFileSync(join(wallet.path, wallet.name, 'hotkeys', 'firstpub.txt'), 'utf8');
      expect(publicFile).toContain(first.hotkeyAddress);
      expect((await open('second')).hotkeyAddress).toBe(ALICE.ss58Address);
    },
  );
});
