import { reservedMeaning } from '../net/ipv4.ts';
import { inferNetwork, NETWORKS, type NetworkName } from './networks.ts';
import type { Settings } from './schema.ts';

interface Context {
  readonly settings: Settings;
  readonly dev: boolean;
  readonly networkName: NetworkName;
  readonly endpoints: readonly string[];
  readonly adminPort: number;
}

/** Addresses that no chain accepts, or that say that nothing is served (subtensor, `serve_axon`). */
const NEVER_SERVED = ['0.0.0.0', '127.0.0.1', '255.255.255.255'];

/**
 * Settings that contradict each other: a sentence for each, in the order of the settings. They are refused before
 * anything is opened: a miner that runs with them costs money and earns nothing.
 */
export function contradictionsOf(context: Context): string[] {
  return [
    ...networkContradictions(context),
    ...addressContradictions(context),
    ...portContradictions(context),
    ...bodyContradictions(context),
  ];
}

function networkContradictions({ settings, dev, networkName, endpoints }: Context): string[] {
  // resolveConfig refuses every public endpoint in development mode.
  if (dev) return [];
  const problems: string[] = [];
  for (const endpoint of endpoints) {
    const network = inferNetwork(endpoint);
    if (network === networkName || network === 'local') continue;
    const said =
      settings.NETWORK === undefined
        ? `the first endpoint is one of ${networkName}`
        : `NETWORK=${networkName}`;
    problems.push(`CHAIN_ENDPOINT names an endpoint of ${network} (${new URL(endpoint).host}), but ${said}`);
  }
  const { netuid } = NETWORKS.finney;
  if (networkName === 'finney' && settings.NETUID !== undefined && settings.NETUID !== netuid) {
    problems.push(`NETUID=${settings.NETUID} is another subnet: on finney this miner belongs to ${netuid}`);
  }
  return problems;
}

function addressContradictions({ settings, dev, networkName }: Context): string[] {
  const { AXON_IP: listened, AXON_EXTERNAL_IP: announced } = settings;
  const isPublic = !dev && NETWORKS[networkName].genesisHash !== undefined;
  const problems: string[] = [];
  const meaning = announced === undefined ? undefined : reservedMeaning(announced);
  if (announced !== undefined && NEVER_SERVED.includes(announced)) {
    problems.push(`AXON_EXTERNAL_IP=${announced} is an address that the chain does not accept`);
  } else if (isPublic && meaning !== undefined) {
    problems.push(
      `AXON_EXTERNAL_IP=${announced} is ${meaning}, and NETWORK is ${networkName}: validators cannot reach it`,
    );
  }
  const isLoopback = /^127\.|^::1$/.test(listened);
  if (isPublic && isLoopback && announced === undefined) {
    problems.push(
      `AXON_IP=${listened} listens to this host only, and NETWORK is ${networkName}: validators cannot reach it. ` +
        'Remove it; if something on this host forwards the port, name its address in AXON_EXTERNAL_IP',
    );
  }
  return problems;
}

function portContradictions({ settings, dev, adminPort }: Context): string[] {
  const ports = [
    ['AXON_PORT', settings.AXON_PORT],
    ['ADMIN_PORT', adminPort],
    ...(dev && settings.CHAIN_ENDPOINT === undefined
      ? ([['DEVNET_PORT', settings.DEVNET_PORT]] as const)
      : []),
  ] as const;
  return ports.flatMap(([name, port], index) =>
    ports
      .slice(0, index)
      .filter(([, other]) => other === port)
      .map(([other]) => `${other} and ${name} are both ${port}`),
  );
}

function bodyContradictions({ settings }: Context): string[] {
  const { BODY_LIMIT_MIB: limit, BODY_BUDGET_MIB: budget } = settings;
  if (limit <= budget) return [];
  return [`BODY_LIMIT_MIB=${limit} is more than BODY_BUDGET_MIB=${budget}: a body of this size never fits`];
}
