import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { verifySignature } from '../../src/epistula/signature-verifier.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { openWallet } from '../../src/wallet/open-wallet.ts';
import type { Wallet } from '../../src/wallet/wallet.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { ALICE, DEV } from '../wallet/fixtures.ts';
import { runPython } from './python.ts';
import { pythonOf, type Sdk } from './python-environments.ts';

await cryptoWaitReady();

/** As validators sign: digest, uuid, milliseconds and the receiver. */
const MESSAGE = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '7f1c8a52-3c0e-4c83-9d55-0d8f6e0a4b11',
  '1767225600123',
  DEV.ss58Address,
].join('.');
const OTHER_MESSAGE = MESSAGE.replace('1767225600123', '1767225600124');
/** More than one byte a character, so that an XOR over characters would fail. */
const PASSWORD = 'pässwörd ☂ 1';

const PLAIN = ['new-12', 'new-24', 'words', 'seed', 'uri'];

/** What each generation of the library can make without a question to a terminal. */
const GENERATIONS: readonly (readonly [environment: Sdk, hotkeys: readonly string[]])[] = [
  // It takes no exports for hotkeys, and encrypts in one way, whoever keeps the password.
  ['sdk-11', [...PLAIN, 'private-key', 'encrypted-saved']],
  ['sdk-10', [...PLAIN, 'json', 'private-key', 'encrypted', 'encrypted-saved']],
  // It can't take today's exports apart, wants a public key beside a private one, and saves no passwords.
  ['wallet-1', [...PLAIN, 'encrypted']],
];

interface Made {
  readonly hotkeys: Readonly<Record<string, { address: string; publicKey: string; signature: string }>>;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Spelled as an operator may spell it: the variable of a password is named after the path, and SDK 11 leaves out what
 * does not matter in it.
 */
const folderIn = (home: string) => `${home}/.//wallets`;

/** SDK 11 has a wallet library of its own, with other names. */
const scriptOf = (environment: Sdk) => (environment === 'sdk-11' ? 'wallets_11.py' : 'wallets.py');

function make(environment: Sdk, home: string, hotkeys: readonly string[]): Promise<Made> {
  const exported = new Keyring({ type: 'sr25519' }).addFromUri('//Exported', { name: 'exported' });
  return runPython<Made>(environment, scriptOf(environment), {
    task: 'make',
    home,
    folder: folderIn(home),
    hotkeys,
    password: PASSWORD,
    message: MESSAGE,
    words: DEV.secretPhrase,
    seed: ALICE.secretSeed,
    json: [JSON.stringify(exported.toJson('export')), 'export'],
    privateKey: ALICE.privateKey,
    uri: '//Miner//1',
  });
}

/** Opens a hotkey that the library made: with what it left in the environment, or else with a file of ours. */
function open(home: string, hotkey: string, env: Readonly<Record<string, string>>): Promise<Wallet> {
  const passwordFile = join(home, 'password');
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  return openWallet({
    path: folderIn(home),
    folder: folderIn(home),
    name: 'interop',
    hotkey,
    passwordFile: hotkey === 'encrypted' ? passwordFile : undefined,
    env,
    logger: createLogger({ level: 'silent' }),
  });
}

describe.each(GENERATIONS)('hotkeys made by the wallet library of %s', (environment, hotkeys) => {
  describe.skipIf(pythonOf(environment).missing)(`with the Python environment ${environment}`, () => {
    it('hotkeys open to the same keys on both sides, and each side verifies the signatures of the other', async () => {
      const home = temporaryFolderPath();
      const made = await make(environment, home, hotkeys);
      expect(Object.keys(made.hotkeys)).toEqual(hotkeys);
      const signatures = [];
      for (const [name, theirs] of Object.entries(made.hotkeys)) {
        const wallet = await open(home, name, made.variables);
        expect(wallet.hotkeyAddress, name).toBe(theirs.address);
        expect(`0x${Buffer.from(wallet.publicKey).toString('hex')}`, name).toBe(theirs.publicKey);
        expect(verifySignature(MESSAGE, theirs.signature, theirs.address), name).toBe(true);
        expect(verifySignature(OTHER_MESSAGE, theirs.signature, theirs.address), name).toBe(false);

        const signature = `0x${Buffer.from(wallet.sign(MESSAGE)).toString('hex')}`;
        const { address } = theirs;
        signatures.push({ address, message: MESSAGE, signature });
        signatures.push({ address, message: OTHER_MESSAGE, signature });
      }
      const verdicts = await runPython(environment, scriptOf(environment), {
        task: 'verify',
        home,
        signatures,
      });
      expect(verdicts).toEqual(signatures.map(({ message }) => message === MESSAGE));
    });
  });
});

const NEWER: readonly Sdk[] = ['sdk-11', 'sdk-10'];
describe.each(NEWER)('a hotkey of %s that validators would not know', (environment) => {
  it.skipIf(pythonOf(environment).missing)('an ed25519 hotkey is refused by its kind', async () => {
    const home = temporaryFolderPath();
    await make(environment, home, ['ed25519']);
    await expect(open(home, 'ed25519', {})).rejects.toMatchObject({
      code: 'WALLET_FORMAT',
      message: expect.stringContaining('cryptoType'),
    });
  });
});
