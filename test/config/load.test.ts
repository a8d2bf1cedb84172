import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings, readSettingsFile } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import { MinerError } from '../../src/errors.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

interface Given {
  argv?: string[];
  env?: Record<string, string>;
  file?: Record<string, string>;
}

const load = ({ argv = [], env = {}, file = {} }: Given) =>
  loadSettings({ flags: parseFlags(argv), env, file: { path: '.env.miner', values: file } });
const resolve = (given: Given, dev = false) => resolveConfig(load(given), { dev, root: '/checkout' });

function failure(action: () => unknown): MinerError {
  try {
    action();
  } catch (error) {
    if (error instanceof MinerError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the precedence of settings', () => {
  it('is flag, environment, file, SDK alias, default', () => {
    const aliased = { BT_AXON_PORT: '1' };
    expect(load({}).settings.AXON_PORT).toBe(8091);
    expect(load({ env: aliased }).settings.AXON_PORT).toBe(1);
    expect(load({ env: aliased, file: { AXON_PORT: '2' } }).settings.AXON_PORT).toBe(2);
    expect(load({ env: { ...aliased, AXON_PORT: '3' }, file: { AXON_PORT: '2' } }).settings.AXON_PORT).toBe(
      3,
    );
    expect(load({ argv: ['--axon.port', '4'], env: { AXON_PORT: '3' } }).settings.AXON_PORT).toBe(4);
  });

  it('shows where each value came from', () => {
    const { origins } = load({
      argv: ['--axon-port=9'],
      file: { NETUID: '168' },
      env: { BT_WALLET_NAME: 'w' },
    });
    expect(origins.get('AXON_PORT')?.source).toBe('flag');
    expect(origins.get('NETUID')).toMatchObject({ source: 'file', name: '.env.miner' });
    expect(origins.get('WALLET_NAME')).toMatchObject({ source: 'alias', name: 'BT_WALLET_NAME' });
    expect(origins.get('DEVICE')?.source).toBe('default');
  });

  it('takes an empty value as absent', () => {
    const { settings } = load({ env: { WALLET_NAME: '' }, file: { WALLET_NAME: 'mine', WALLET_HOTKEY: '' } });
    expect(settings).toMatchObject({ WALLET_NAME: 'mine', WALLET_HOTKEY: 'default' });
  });

  it('warns when two sources disagree on the wallet', () => {
    const { settings, warnings } = load({ env: { WALLET_NAME: 'a' }, file: { WALLET_NAME: 'b' } });
    expect(settings.WALLET_NAME).toBe('a');
    expect(warnings).toEqual([expect.stringMatching(/WALLET_NAME.*"a".*"b"/)]);
  });
});

describe('the names that the SDKs use', () => {
  it('work for the wallet in every generation, with a warning if they disagree', () => {
    expect(load({ env: { BT_WALLET: 'eleven' } }).settings.WALLET_NAME).toBe('eleven');
    expect(load({ file: { BT_WALLET: 'eleven' } }).warnings).toEqual([]);
    expect(load({ argv: ['--wallet', 'eleven', '--wallet-hotkey', 'first'] }).settings).toMatchObject({
      WALLET_NAME: 'eleven',
      WALLET_HOTKEY: 'first',
    });
    const { settings, warnings } = load({ env: { BT_WALLET_NAME: 'ten', BT_WALLET: 'eleven' } });
    expect(settings.WALLET_NAME).toBe('ten');
    expect(warnings).toEqual([
      'WALLET_NAME: BT_WALLET_NAME says "ten", BT_WALLET says "eleven"; the first is used',
    ]);
  });

  it.each([
    ['mainnet', 'finney'],
    ['archive', 'finney'],
    ['latent-lite', 'finney'],
    ['Finney', 'finney'],
    ['testnet', 'test'],
    ['local', 'local'],
  ])('include BT_NETWORK=%s', (name, networkName) => {
    expect(resolve({ env: { BT_NETWORK: name } }).chain.networkName).toBe(networkName);
  });

  it.each(['devnet', 'dev', 'rao', 'finny', 'http://127.0.0.1:9944', '127.0.0.1:9944'])(
    'do not include BT_NETWORK=%s, whose error lists those that work',
    (name) => {
      const error = failure(() => load({ env: { BT_NETWORK: name } }));
      expect(error.code).toBe('CONFIG_INVALID');
      expect(error.message).toContain(`NETWORK="${name}" (BT_NETWORK): must be one of finney, test, local`);
      expect(error.message).toContain('ws://');
    },
  );
});

describe('the address of a node in place of a network', () => {
  it.each<[string, Given, string]>([
    ['BT_NETWORK', { env: { BT_NETWORK: 'ws://10.0.0.1:9944' } }, 'BT_NETWORK'],
    ['BT_SUBTENSOR_NETWORK', { env: { BT_SUBTENSOR_NETWORK: 'ws://10.0.0.1:9944' } }, 'BT_SUBTENSOR_NETWORK'],
    ['BT_NETWORK in the file', { file: { BT_NETWORK: 'ws://10.0.0.1:9944' } }, 'BT_NETWORK'],
    ['NETWORK', { env: { NETWORK: 'ws://10.0.0.1:9944' } }, 'environment NETWORK'],
    ['NETWORK in the file', { file: { NETWORK: 'ws://10.0.0.1:9944' } }, '.env.miner'],
    [
      '--subtensor.network',
      { argv: ['--subtensor.network', 'ws://10.0.0.1:9944'], file: { CHAIN_ENDPOINT: 'ws://b' } },
      'flag of NETWORK',
    ],
    ['--network', { argv: ['--network=ws://10.0.0.1:9944'] }, 'flag of NETWORK'],
  ])('is a CHAIN_ENDPOINT under %s', (_name, given, origin) => {
    const { settings, origins } = load(given);
    expect(settings.CHAIN_ENDPOINT).toEqual(['ws://10.0.0.1:9944']);
    expect(settings.NETWORK).toBeUndefined();
    expect(origins.get('CHAIN_ENDPOINT')?.name).toBe(origin);
    expect(origins.get('NETWORK')?.source).toBe('default');
  });

  it('may be a list, and decides the network if it is public', () => {
    const list = 'wss://test.finney.opentensor.ai:443, ws://10.0.0.1:9944';
    expect(resolve({ env: { BT_NETWORK: list } }).chain).toMatchObject({
      networkName: 'test',
      netuid: 168,
      endpoints: ['wss://test.finney.opentensor.ai:443', 'ws://10.0.0.1:9944'],
    });
  });

  it('leaves the network that another source names', () => {
    const { chain } = resolve({ env: { BT_NETWORK: 'ws://10.0.0.1:9944' }, file: { NETWORK: 'finney' } });
    expect(chain).toMatchObject({ networkName: 'finney', endpoints: ['ws://10.0.0.1:9944'] });
    expect(chain.expectedGenesisHash).toMatch(/^0x2f0555cc/);
  });

  it('yields to a CHAIN_ENDPOINT of the same or a stronger source, with a warning', () => {
    const env = { BT_NETWORK: 'ws://a', BT_CHAIN_ENDPOINT: 'ws://b' };
    expect(load({ env }).settings.CHAIN_ENDPOINT).toEqual(['ws://b']);
    const { settings, warnings } = load({
      env: { BT_NETWORK: 'ws://a' },
      file: { CHAIN_ENDPOINT: 'ws://c' },
    });
    expect(settings.CHAIN_ENDPOINT).toEqual(['ws://c']);
    expect(warnings).toEqual([
      'CHAIN_ENDPOINT: .env.miner says "ws://c", BT_NETWORK says "ws://a"; the first is used',
    ]);
  });

  it('is refused by its own name if it is malformed', () => {
    const error = failure(() => load({ env: { BT_NETWORK: 'ws://' } }));
    expect(error.message).toBe(
      'CHAIN_ENDPOINT="ws://" (BT_NETWORK): each endpoint must begin with ws:// or wss://, and then name a host',
    );
  });

  it('brings a warning if two sources name different networks', () => {
    const { settings, warnings } = load({ env: { BT_NETWORK: 'test' }, file: { NETWORK: 'finney' } });
    expect(settings.NETWORK).toBe('finney');
    expect(warnings).toEqual([
      'NETWORK: .env.miner says "finney", BT_NETWORK says "test"; the first is used',
    ]);
  });
});

describe('wrong settings in a file', () => {
  it('are all named in one error', () => {
    const error = failure(() => load({ file: { AXON_PORT: 'eighty', DEVICE: 'tpu', MINER_TYPE: 'both' } }));
    expect(error.code).toBe('CONFIG_INVALID');
    for (const key of ['AXON_PORT', 'DEVICE', 'MINER_TYPE']) expect(error.message).toContain(key);
  });

  it('warn of an unknown key with the nearest known one', () => {
    const { warnings } = load({ file: { AXON_PROT: '1', BT_PW_X: 'secret' } });
    expect(warnings).toEqual(['.env.miner: unknown key AXON_PROT; did you mean AXON_PORT?']);
  });

  it('refuse equal ports for the axon and the operator', () => {
    expect(failure(() => resolve({ file: { AXON_PORT: '8091', ADMIN_PORT: '8091' } })).code).toBe(
      'CONFIG_INVALID',
    );
  });

  it.each(['../coldkey', 'a/b', '..', '.', 'a\0b'])(
    'refuse %j as the name of a hotkey or a wallet',
    (name) => {
      for (const key of ['WALLET_NAME', 'WALLET_HOTKEY']) {
        expect(failure(() => load({ file: { [key]: name } })).message).toMatch(
          new RegExp(`^${key}=.*must be a plain file name$`, 's'),
        );
      }
    },
  );

  it('refuse an IPv6 address to announce', () => {
    expect(failure(() => load({ file: { AXON_EXTERNAL_IP: '2001:db8::1' } })).message).toContain('IPv4');
  });
});

describe('the configuration', () => {
  it('runs the template of the Python miner unchanged', () => {
    const folder = temporaryFolderPath();
    const path = join(folder, '.env.miner');
    writeFileSync(
      path,
      [
        'WALLET_NAME=',
        'WALLET_HOTKEY=',
        'CHAIN_ENDPOINT=wss://entrypoint-finney.opentensor.ai:443',
        'AXON_PORT=8091',
        'AXON_EXTERNAL_IP=[::]',
        'FORCE_VPERMIT=true',
        'DEVICE=cpu',
        'LOGLEVEL=trace',
        'MINER_TYPE=SEGMENTER',
      ].join('\n'),
    );
    const config = resolve({ file: readSettingsFile(path) });
    expect(config).toMatchObject({ minerType: 'segmenter', device: 'cpu', logLevel: 'trace' });
    expect(config.chain).toMatchObject({ networkName: 'finney', netuid: 34 });
    expect(config.axon).toMatchObject({ port: 8091, externalIp: undefined, minStakeTao: 10_000 });
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 9091 });
  });

  it('has the folder of the wallets with the home folder in place of the tilde, and otherwise as it is written', () => {
    const walletIn = (path: string) => resolve({ file: { WALLET_PATH: path } }).wallet;
    expect(walletIn('~/wallets//')).toMatchObject({ path: '~/wallets//', folder: `${homedir()}/wallets` });
    expect(walletIn('~').folder).toBe(homedir());
    expect(walletIn('~other/wallets').folder).toBe('~other/wallets');
    expect(walletIn('/srv/./a/../wallets/').folder).toBe('/srv/./a/../wallets');
    expect(walletIn('/').folder).toBe('/');
  });

  it('infers the network and the netuid from the endpoint only when they are absent', () => {
    const testnet = { CHAIN_ENDPOINT: 'wss://test.finney.opentensor.ai:443' };
    expect(resolve({ file: testnet }).chain).toMatchObject({ networkName: 'test', netuid: 168 });
    const ownNode = { CHAIN_ENDPOINT: 'wss://node.example' };
    expect(resolve({ file: { ...ownNode, NETWORK: 'finney' } }).chain.networkName).toBe('finney');
    expect(resolve({ file: { ...testnet, NETUID: '7' } }).chain.netuid).toBe(7);
    expect(resolve({ file: { CHAIN_ENDPOINT: 'ws://127.0.0.1:9944' } }).chain.networkName).toBe('local');
  });

  it('has the synapse protocol for detectors only', () => {
    expect(resolve({}).axon.synapse).toBe(true);
    expect(resolve({ file: { SYNAPSE: 'false' } }).axon.synapse).toBe(false);
    expect(resolve({ file: { MINER_TYPE: 'segmenter' } }).axon.synapse).toBe(false);
  });

  it('takes a comma list of endpoints', () => {
    const { endpoints } = resolve({ file: { CHAIN_ENDPOINT: 'ws://10.0.0.1:9944, wss://b.example' } }).chain;
    expect(endpoints).toEqual(['ws://10.0.0.1:9944', 'wss://b.example']);
  });

  it('has no minimum stake if FORCE_VPERMIT is false', () => {
    expect(resolve({ argv: ['--no-force-validator-permit'] }).axon.minStakeTao).toBe(0);
    expect(resolve({ file: { FORCE_VPERMIT: 'false' } }).axon.minStakeTao).toBe(0);
  });

  it('binds development mode to loopback, and refuses a chain on another host', () => {
    const config = resolve({ env: { DEVNET_PORT: '19944' } }, true);
    expect(config.axon.host).toBe('127.0.0.1');
    expect(config.chain).toMatchObject({ endpoints: ['ws://127.0.0.1:19944'], devnetPort: 19_944 });
    const foreign = { env: { CHAIN_ENDPOINT: 'wss://entrypoint-finney.opentensor.ai:443' } };
    expect(failure(() => resolve(foreign, true)).code).toBe('CONFIG_DEV_ONLY_LOOPBACK');
    const similar = { env: { CHAIN_ENDPOINT: 'ws://127.0.0.1.example.org:9944' } };
    expect(failure(() => resolve(similar, true)).code).toBe('CONFIG_DEV_ONLY_LOOPBACK');
  });

  it('starts no devnet if development mode has a chain on loopback', () => {
    const given = { argv: ['--subtensor.chain_endpoint', 'ws://127.0.0.1:1'] };
    expect(resolve(given, true).chain).toMatchObject({
      endpoints: ['ws://127.0.0.1:1'],
      devnetPort: undefined,
    });
  });
});

describe('a key in CHAIN_ENDPOINT', () => {
  const KEYS = [
    'wss://user:KEY@h',
    'wss://h/v3/KEY',
    'wss://h?apikey=KEY',
    'wss://h#KEY',
    'wss://h\\KEY',
    'wss://h:KEY',
    'wss:\\\\h\\KEY',
    'wss:/h/KEY',
    'h/KEY',
    'https://h/KEY',
  ];

  it.each(KEYS)('is in no error and no warning about %s', (endpoint) => {
    const attempts = [
      { file: { CHAIN_ENDPOINT: endpoint, DEVICE: 'wrong' } },
      { file: { CHAIN_ENDPOINT: endpoint }, env: { CHAIN_ENDPOINT: 'ws://127.0.0.1:1' } },
      { file: { NETWORK: endpoint, NETUID: 'x' }, env: { BT_NETWORK: 'finney' } },
      { env: { BT_CHAIN_ENDPOINT: endpoint, NETWORK: 'finney' } },
      { argv: ['--subtensor.chain_endpoint', endpoint] },
      { argv: ['--subtensor.chain_endpoint', 'ws://127.0.0.1:1', endpoint.replace(/^h/, 'ws://h')] },
      { argv: ['--subtensor.network', endpoint] },
    ];
    for (const given of attempts) {
      for (const dev of [false, true]) {
        let said = '';
        try {
          said = load(given).warnings.join();
          resolve(given, dev);
        } catch (error) {
          said += error instanceof Error ? `${error.message} ${error.stack}` : String(error);
        }
        expect(said).not.toContain('KEY');
      }
    }
  });

  it('is refused in a flag, which everybody on the host can read', () => {
    const error = failure(() => load({ argv: ['--chain-endpoint=ws://127.0.0.1:1,wss://h/KEY'] }));
    expect(error.message).toContain('put it into the settings file');
    expect(load({ argv: ['--chain-endpoint=wss://h:443'] }).settings.CHAIN_ENDPOINT).toEqual(['wss://h:443']);
    expect(load({ file: { CHAIN_ENDPOINT: 'wss://h/KEY' } }).settings.CHAIN_ENDPOINT).toEqual([
      'wss://h/KEY',
    ]);
  });
});
