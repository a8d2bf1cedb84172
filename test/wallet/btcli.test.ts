import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { btcliCommand, DEFAULT_WALLET_PATH, inBothForms } from '../../src/wallet/btcli.ts';

// That the programs take these commands is shown in `test/interop/btcli.interop.ts`.
describe('a command of btcli', () => {
  it('has the option of its generation for the wallet, and the same other options', () => {
    const command = {
      command: 'subnets register',
      netuid: 34,
      wallet: { name: 'mine', hotkey: 'first', path: '/srv/wallets' },
      network: 'ws://127.0.0.1:9944',
    } as const;
    const others = '--wallet-hotkey first --wallet-path /srv/wallets --network ws://127.0.0.1:9944';
    const sdk11 = `btcli subnets register --netuid 34 --wallet mine ${others}`;
    const cli9 = `btcli subnets register --netuid 34 --wallet-name mine ${others}`;
    expect(btcliCommand('SDK 11', command)).toBe(sdk11);
    expect(btcliCommand('bittensor-cli 9', command)).toBe(cli9);
    expect(inBothForms(command)).toBe(`\`${sdk11}\` (SDK 11) or \`${cli9}\` (bittensor-cli 9)`);
  });

  it('leaves out absent values, and the default folder of btcli', () => {
    const wallet = { name: 'mine', path: DEFAULT_WALLET_PATH };
    expect(btcliCommand('SDK 11', { command: 'wallet new-coldkey', wallet })).toBe(
      'btcli wallet new-coldkey --wallet mine',
    );
  });

  it.each(["my mother's", 'a b', '$(touch x)', '~root', 'ö', '`id`', 'a;b', ''])(
    'passes the name %j through a shell unchanged',
    (name) => {
      const command = btcliCommand('SDK 11', { command: 'wallet new-hotkey', wallet: { name } });
      const printed = execFileSync('bash', ['-c', `btcli() { printf '%s\\n' "$@"; }; ${command}`]);
      expect(printed.toString()).toBe(`wallet\nnew-hotkey\n--wallet\n${name}\n`);
    },
  );

  it('leaves the tilde of a folder to the shell', () => {
    const wallet = { name: 'mine', path: '~/miners/wallets' };
    expect(btcliCommand('SDK 11', { command: 'wallet overview', wallet })).toMatch(
      / --wallet-path ~\/miners\/wallets$/,
    );
  });
});
