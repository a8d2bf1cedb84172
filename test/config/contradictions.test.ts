import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';

const FINNEY = 'wss://entrypoint-finney.opentensor.ai:443';
const TESTNET = 'wss://test.finney.opentensor.ai:443';
const OWN_NODE = 'ws://127.0.0.1:9944';

function resolve(env: Record<string, string>, dev = false) {
  const loaded = loadSettings({ flags: parseFlags([]), env, file: undefined });
  return resolveConfig(loaded, { dev, root: '/' });
}

describe('settings that contradict each other are refused', () => {
  it.each([
    ['10.1.2.3', 'a private address'],
    ['172.31.0.1', 'a private address'],
    ['192.168.0.5', 'a private address'],
    ['127.0.0.2', 'a loopback address'],
    ['100.64.0.1', "an address behind a carrier's NAT"],
    ['169.254.1.1', 'a link-local address'],
    ['192.0.2.1', 'an address for documentation'],
    ['198.18.0.1', 'an address for special purposes'],
    ['224.0.0.1', 'a multicast address'],
    ['250.0.0.1', 'a reserved address'],
  ])('announcing %s on a public network, also through a node of this host', (ip, meaning) => {
    for (const NETWORK of ['finney', 'test']) {
      for (const endpoint of [{}, { CHAIN_ENDPOINT: OWN_NODE }]) {
        expect(() => resolve({ NETWORK, AXON_EXTERNAL_IP: ip, ...endpoint })).toThrow(
          `AXON_EXTERNAL_IP=${ip} is ${meaning}, and NETWORK is ${NETWORK}: validators cannot reach it`,
        );
      }
    }
    expect(resolve({ NETWORK: 'local', AXON_EXTERNAL_IP: ip }).axon.externalIp).toBe(ip);
  });

  it.each(['0.0.0.0', '127.0.0.1', '255.255.255.255'])('announcing %s on any network', (ip) => {
    for (const NETWORK of ['finney', 'test', 'local']) {
      expect(() => resolve({ NETWORK, AXON_EXTERNAL_IP: ip })).toThrow('the chain does not accept');
    }
  });

  it.each([
    ['finney', TESTNET, 'an endpoint of test (test.finney.opentensor.ai), but NETWORK=finney'],
    ['test', FINNEY, 'an endpoint of finney (entrypoint-finney.opentensor.ai), but NETWORK=test'],
    ['local', FINNEY, 'an endpoint of finney (entrypoint-finney.opentensor.ai), but NETWORK=local'],
    ['finney', `${OWN_NODE},${TESTNET}`, 'an endpoint of test'],
    [
      '',
      `${FINNEY},${TESTNET}`,
      'an endpoint of test (test.finney.opentensor.ai), but the first endpoint is one of finney',
    ],
  ])('network "%s" with an endpoint of another', (NETWORK, CHAIN_ENDPOINT, words) => {
    expect(() => resolve({ NETWORK, CHAIN_ENDPOINT })).toThrow(words);
  });

  it('another subnet on finney', () => {
    expect(() => resolve({ NETWORK: 'finney', NETUID: '168' })).toThrow('NETUID=168 is another subnet');
    expect(resolve({ NETWORK: 'test', NETUID: '379' }).chain.netuid).toBe(379);
    expect(resolve({ NETWORK: 'local', NETUID: '1' }).chain.netuid).toBe(1);
  });

  it.each(['127.0.0.1', '127.0.0.53', '::1'])('listening on %s only, on a public network', (ip) => {
    expect(() => resolve({ NETWORK: 'finney', AXON_IP: ip })).toThrow(
      `AXON_IP=${ip} listens to this host only`,
    );
    const forwarded = { NETWORK: 'finney', AXON_IP: ip, AXON_EXTERNAL_IP: '8.8.8.8' };
    expect(resolve(forwarded).axon).toMatchObject({ host: ip, externalIp: '8.8.8.8' });
    expect(resolve({ NETWORK: 'local', AXON_IP: ip }).axon.host).toBe(ip);
  });

  it('the same port twice', () => {
    expect(() => resolve({ AXON_PORT: '9000', ADMIN_PORT: '9000' })).toThrow(
      'AXON_PORT and ADMIN_PORT are both 9000',
    );
    expect(() => resolve({ DEVNET_PORT: '9091' }, true)).toThrow('ADMIN_PORT and DEVNET_PORT are both 9091');
    expect(resolve({ DEVNET_PORT: '9091' }).admin.port).toBe(9091);
  });

  it('a larger limit for one body than for all bodies', () => {
    expect(() => resolve({ BODY_LIMIT_MIB: '100', BODY_BUDGET_MIB: '64' })).toThrow(
      'a body of this size never fits',
    );
  });

  it('with all contradictions in one message', () => {
    const wrong = { NETWORK: 'finney', NETUID: '1', AXON_EXTERNAL_IP: '10.0.0.1', ADMIN_PORT: '8091' };
    expect(() => resolve(wrong)).toThrow(
      /NETUID=1 .*\nAXON_EXTERNAL_IP=10\.0\.0\.1 .*\nAXON_PORT and ADMIN_PORT/,
    );
  });
});
