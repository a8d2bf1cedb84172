import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import { unregisteredNotice } from '../../src/miner/unregistered-notice.ts';
import { BOB } from '../fixtures/validator.ts';

function noticeFor(
  env: Record<string, string>,
  { dev = false, burnTao = undefined as number | undefined } = {},
) {
  const loaded = loadSettings({
    flags: parseFlags([]),
    env: { WALLET_NAME: 'miner', WALLET_HOTKEY: 'first', ...env },
    file: undefined,
  });
  return unregisteredNotice(resolveConfig(loaded, { dev, root: '/' }), BOB, burnTao);
}

describe('the notice to an operator whose hotkey is not registered', () => {
  it.each([
    ['finney', '--netuid 34', '--subtensor.network finney'],
    ['test', '--netuid 168', '--subtensor.network test'],
  ])('has the command for %s', (network, netuid, where) => {
    const notice = noticeFor({ NETWORK: network });
    expect(notice).toContain(`btcli s register ${netuid} --wallet.name miner --wallet.hotkey first ${where}`);
    expect(notice).toContain(BOB);
  });

  it('names a wallet folder of its own, and quotes what a shell would split', () => {
    const notice = noticeFor({ NETWORK: 'finney', WALLET_PATH: '/srv/wallets', WALLET_NAME: "my mother's" });
    expect(notice).toContain(
      `--wallet.name 'my mother'\\''s' --wallet.hotkey first --wallet.path /srv/wallets`,
    );
  });

  it('names the endpoint of a local chain', () => {
    const notice = noticeFor({ NETWORK: 'local', CHAIN_ENDPOINT: 'ws://127.0.0.1:9955' });
    expect(notice).toContain('--subtensor.chain_endpoint ws://127.0.0.1:9955');
  });

  it('registers with the development chain by curl', () => {
    const notice = noticeFor({ DEVNET_PORT: '9966' }, { dev: true });
    const [, body = ''] = /curl -d '(\{.*\})' http:\/\/127\.0\.0\.1:9966$/.exec(notice) ?? [];
    expect(JSON.parse(body)).toMatchObject({ method: 'devnet_register', params: [BOB] });
  });

  it('says what registering burns, where that is known', () => {
    expect(noticeFor({ NETWORK: 'finney' }, { burnTao: 0.5 })).toContain('burns 0.5 TAO');
    expect(noticeFor({ NETWORK: 'finney' })).not.toContain('burns');
  });
});
