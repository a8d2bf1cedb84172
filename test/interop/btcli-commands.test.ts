import { describe, expect, it } from 'vitest';
import { btcliCommandsIn } from './btcli-commands.ts';

describe('the commands of btcli in a text', () => {
  it('btcli commands are found in code blocks, with the program that a comment names', () => {
    const text = [
      'Register:',
      '```bash',
      'btcli subnets register --wallet a      # SDK 11',
      'btcli subnets register --wallet-name a # bittensor-cli 9',
      'KEY=1 # nothing',
      'btcli wallet new-hotkey && btcli w list; ls | wc',
      '# bittensor-cli 9',
      'btcli wallet overview \\',
      '  --wallet-name a',
      '```',
      'btcli is a program, and the btcli command above is one of it.',
    ].join('\n');
    expect(btcliCommandsIn(text)).toEqual([
      { command: 'btcli subnets register --wallet a', generation: 'SDK 11' },
      { command: 'btcli subnets register --wallet-name a', generation: 'bittensor-cli 9' },
      { command: 'btcli wallet new-hotkey', generation: undefined },
      { command: 'btcli w list', generation: undefined },
      { command: 'btcli wallet overview  --wallet-name a', generation: 'bittensor-cli 9' },
    ]);
  });

  it('btcli commands are found between backticks, with the program in brackets', () => {
    const text =
      'Use `btcli s register --wallet a` (SDK 11) or `btcli s register` (bittensor-cli 9), or `ls`.';
    expect(btcliCommandsIn(text)).toEqual([
      { command: 'btcli s register --wallet a', generation: 'SDK 11' },
      { command: 'btcli s register', generation: 'bittensor-cli 9' },
    ]);
  });

  it('btcli commands are found outside code, with the rest of the line', () => {
    expect(btcliCommandsIn('create one with btcli w new_hotkey, or wait.\nAs btcli does.')).toEqual([
      { command: 'btcli w new_hotkey, or wait.', generation: undefined },
    ]);
  });
});
