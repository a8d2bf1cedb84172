/** What the miner knows about a network. */
export interface Network {
  /** btcli takes it after --network as well. */
  readonly name: string;
  /** WebSocket addresses of subtensor nodes, in order of preference. */
  readonly endpoints: readonly string[];
  /** The netuid of this subnet there. */
  readonly netuid: number;
  /** Hash of block 0, if it is known: an endpoint with another one is refused. */
  readonly genesisHash?: string;
}

export const NETWORK_NAMES = ['finney', 'test', 'local'] as const;
export type NetworkName = (typeof NETWORK_NAMES)[number];

const FINNEY_GENESIS = '0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03';
const TESTNET_GENESIS = '0x8f9cf856bf558a14440e75569c9e58594757048d7b3a84b5d25f6bd978263105';

/** The networks. The subnet of a local node may have any number; 34 is the one of our development chain. */
export const NETWORKS: Readonly<Record<NetworkName, Network>> = {
  finney: {
    name: 'finney',
    endpoints: ['wss://entrypoint-finney.opentensor.ai:443'],
    netuid: 34,
    genesisHash: FINNEY_GENESIS,
  },
  test: {
    name: 'test',
    endpoints: ['wss://test.finney.opentensor.ai:443'],
    netuid: 168,
    genesisHash: TESTNET_GENESIS,
  },
  local: { name: 'local', endpoints: ['ws://127.0.0.1:9944'], netuid: 34 },
};

/**
 * Why a miner with NETWORK=local refuses a public chain, by genesis hash. There it would announce the address of a
 * network card, the netuid of a local chain is another subnet, and everybody has the development keys.
 */
export function publicGenesisRefusals(): Record<string, string> {
  return Object.fromEntries(
    Object.values(NETWORKS).flatMap(({ name, genesisHash }) =>
      genesisHash === undefined
        ? []
        : [[genesisHash, `the endpoint serves ${name}, and NETWORK is local: set NETWORK=${name}`]],
    ),
  );
}

/** Hosts of public finney nodes whose name does not show their network. */
const FINNEY_HOSTS = ['lite.sub.latent.to', 'archive.sub.latent.to'];

/** The network of an endpoint, by its host; `local` if the host is not a known public one. */
export function inferNetwork(endpoint: string): NetworkName {
  const host = hostOf(endpoint);
  if (host === 'test.finney.opentensor.ai') return 'test';
  if (host.endsWith('.opentensor.ai') || FINNEY_HOSTS.includes(host)) return 'finney';
  return 'local';
}

/** Whether the host of an endpoint is this machine. Development keys may be used nowhere else. */
export function isLoopbackEndpoint(endpoint: string): boolean {
  const host = hostOf(endpoint);
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
}
