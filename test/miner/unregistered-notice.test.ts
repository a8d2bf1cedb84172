import { describe, expect, it } from 'vitest';
import { LIVE_NETWORK_NOTICE } from '../../src/chain/validator-release.ts';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import { unregisteredNotice } from '../../src/miner/registration-log.ts';
import { BOB } from '../fixtures/validator.ts';

type Absence = Parameters<typeof unregisteredNotice>[2];

function noticeFor(
  env: Record<string, string>,
  { dev = false, registration = { state: 'unregistered', burnTao: 0.5 } as Absence } = {},
) {
  const loaded = loadSettings({
    flags: parseFlags([]),
    env: { WALLET_NAME: 'miner', WALLET_HOTKEY: 'first', ...env },
    file: undefined,
  });
  return unregisteredNotice(resolveConfig(loaded, { dev, root: '/' }), BOB, registration);
}

describe('the notice to an operator whose hotkey is not registered', () => {
  it.each([
    ['finney', 34],
    ['test', 168],
  ])(
    'the notice of an unregistered hotkey has the command for %s, for either generation of btcli',
    (network, netuid) => {
      const notice = noticeFor({ NETWORK: network });
      const others = `--wallet-hotkey first --network ${network}`;
      expect(notice).toContain(
        `\`btcli subnets register --netuid ${netuid} --wallet miner ${others}\` (SDK 11) or` +
          ` \`btcli subnets register --netuid ${netuid} --wallet-name miner ${others}\` (bittensor-cli 9)`,
      );
      expect(notice).toContain(BOB);
    },
  );

  it('the notice of an unregistered hotkey names a wallet folder of its own, and quotes what a shell would split', () => {
    const notice = noticeFor({ NETWORK: 'finney', WALLET_PATH: '/srv/wallets', WALLET_NAME: "my mother's" });
    expect(notice).toContain(`--wallet 'my mother'\\''s' --wallet-hotkey first --wallet-path /srv/wallets`);
  });

  it('the notice of an unregistered hotkey names the endpoint of a local chain', () => {
    const notice = noticeFor({ NETWORK: 'local', CHAIN_ENDPOINT: 'ws://127.0.0.1:9955' });
    expect(notice).toContain('--network ws://127.0.0.1:9955`');
  });

  it('the notice of an unregistered hotkey registers with the development chain by curl', () => {
    const notice = noticeFor({ DEVNET_PORT: '9966' }, { dev: true });
    const [, body = ''] = /curl -d '(\{.*\})' http:\/\/127\.0\.0\.1:9966$/.exec(notice) ?? [];
    expect(JSON.parse(body)).toMatchObject({ method: 'devnet_register', params: [BOB] });
  });

  it('the notice of an unregistered hotkey says what registering costs, and that a part of it may be locked as collateral', () => {
    const notice = noticeFor({ NETWORK: 'finney' });
    expect(notice).toContain('costs 0.5 TAO');
    expect(notice).toMatch(/burned.*collateral.*released only as the miner earns/);
  });

  it('the notice of an unregistered hotkey says before the command that validators of the live line do not ask such a miner, with release and date', () => {
    for (const NETWORK of ['finney', 'test']) {
      const notice = noticeFor({ NETWORK });
      expect(notice.indexOf(LIVE_NETWORK_NOTICE)).toBeGreaterThan(0);
      expect(notice.indexOf(LIVE_NETWORK_NOTICE)).toBeLessThan(notice.indexOf('btcli'));
    }
    expect(LIVE_NETWORK_NOTICE).toMatch(/4\.0\.0 \(2025-08-11\).*4\.9\.9 of 2026-08-21/);
    expect(noticeFor({ NETWORK: 'local' })).not.toContain('release line');
  });

  it.each([
    [BOB, `its uid 7 belongs to ${BOB} now`],
    [null, 'its uid 7 is gone'],
  ])('the notice of an unregistered hotkey says who has the uid now (%s)', (takenBy, words) => {
    const registration: Absence = { state: 'deregistered', formerUid: 7, takenBy, burnTao: 0.5 };
    const notice = noticeFor({ NETWORK: 'finney' }, { registration });
    expect(notice).toContain(`was deregistered on subnet 34 of finney: ${words}`);
    expect(notice).toContain('btcli subnets register');
  });
});
