import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { MinerError } from '../errors.ts';
import { displayEndpoint } from '../net/display-endpoint.ts';
import { type Concurrency, concurrencyOn } from './concurrency.ts';
import { contradictionsOf } from './contradictions.ts';
import type { LoadedSettings } from './load.ts';
import { inferNetwork, isLoopbackEndpoint, NETWORKS } from './networks.ts';
import type { Settings } from './schema.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** What the miner runs with: all settings, with every default filled in, in the units of the code. */
export interface MinerConfig {
  readonly minerType: 'detector' | 'segmenter';
  /** Development mode: public keys, loopback only, and a development chain unless an endpoint is given. */
  readonly dev: boolean;
  readonly wallet: {
    /** The folder of all wallets, as the operator wrote it. */
    readonly path: string;
    /** The same with the home folder in place of `~`. */
    readonly folder: string;
    readonly name: string;
    readonly hotkey: string;
    readonly passwordFile: string | undefined;
  };
  readonly chain: {
    readonly networkName: string;
    readonly btcliNetwork: string;
    readonly endpoints: readonly string[];
    readonly expectedGenesisHash: string | undefined;
    /** Whether validators come over the internet: true on finney and test, whatever the endpoints are. */
    readonly isPublic: boolean;
    readonly netuid: number;
    readonly onUnregistered: 'wait' | 'exit';
    readonly blockWatchdogMs: number;
    readonly signersMaxAgeMs: number;
    /** In development mode, the port of the devnet to start; undefined if an endpoint was given. */
    readonly devnetPort: number | undefined;
    readonly devnetBlockTimeMs: number;
  };
  readonly axon: {
    readonly host: string;
    readonly port: number;
    /** IPv4 address to announce; undefined: the miner finds it out. */
    readonly externalIp: string | undefined;
    readonly externalPort: number;
    /** Stake weight in TAO that a caller needs. */
    readonly minStakeTao: number;
    readonly futureToleranceMs: number;
    readonly bodyLimitBytes: number;
    readonly bodyBudgetBytes: number;
    /** Whether the SDK's own protocol is served as well; only a detector serves it. */
    readonly synapse: boolean;
  };
  readonly concurrency: Concurrency;
  readonly admin: { readonly host: string; readonly port: number };
  readonly device: 'cpu' | 'cuda' | 'auto';
  readonly models: { readonly image: string; readonly video: string; readonly segmenter: string };
  readonly logLevel: Settings['LOGLEVEL'];
  /** Folder of this network and subnet. Each hotkey has a folder in it, for the state that a restart must keep. */
  readonly stateDir: string;
}

interface ResolveOptions {
  readonly dev: boolean;
  /** Relative paths start from here: the folder of the checkout. */
  readonly root: string;
}

/**
 * Settles the settings: network, netuid, endpoints, ports, paths, how much runs at once. No running part decides a
 * setting again.
 * @throws MinerError CONFIG_INVALID if settings contradict each other; CONFIG_DEV_ONLY_LOOPBACK if development mode is
 *   pointed at another host
 */
export function resolveConfig({ settings }: LoadedSettings, { dev, root }: ResolveOptions): MinerConfig {
  const devEndpoint = `ws://127.0.0.1:${settings.DEVNET_PORT}`;
  const firstEndpoint = settings.CHAIN_ENDPOINT?.[0];
  const networkName = dev
    ? 'local'
    : (settings.NETWORK ?? (firstEndpoint === undefined ? 'finney' : inferNetwork(firstEndpoint)));
  const network = NETWORKS[networkName];
  const endpoints = settings.CHAIN_ENDPOINT ?? (dev ? [devEndpoint] : network.endpoints);
  if (dev) {
    const foreign = endpoints.find((endpoint) => !isLoopbackEndpoint(endpoint));
    if (foreign !== undefined) {
      throw new MinerError(
        'CONFIG_DEV_ONLY_LOOPBACK',
        `--dev uses public keys and does not talk to ${displayEndpoint(foreign)}`,
      );
    }
  }
  const adminPort = settings.ADMIN_PORT ?? defaultAdminPort(settings.AXON_PORT);
  const problems = contradictionsOf({ settings, dev, networkName, endpoints, adminPort });
  if (problems.length > 0) throw new MinerError('CONFIG_INVALID', problems.join('\n'));
  const netuid = settings.NETUID ?? network.netuid;
  return {
    minerType: settings.MINER_TYPE,
    dev,
    wallet: {
      path: settings.WALLET_PATH,
      // Not normalised, as in the SDK: the name of the password variable is made from this path.
      folder: expandHome(settings.WALLET_PATH).replace(/(?<=.)\/+$/, ''),
      name: settings.WALLET_NAME,
      hotkey: settings.WALLET_HOTKEY,
      passwordFile:
        settings.WALLET_PASSWORD_FILE === undefined
          ? undefined
          : resolve(root, expandHome(settings.WALLET_PASSWORD_FILE)),
    },
    chain: {
      networkName: dev ? 'dev' : networkName,
      btcliNetwork: network.name,
      endpoints,
      expectedGenesisHash: network.genesisHash,
      isPublic: network.genesisHash !== undefined,
      netuid,
      onUnregistered: settings.ON_UNREGISTERED,
      blockWatchdogMs: settings.BLOCK_WATCHDOG_SECONDS * 1000,
      signersMaxAgeMs: settings.SIGNERS_MAX_AGE_HOURS * HOUR_MS,
      devnetPort: dev && settings.CHAIN_ENDPOINT === undefined ? settings.DEVNET_PORT : undefined,
      devnetBlockTimeMs: settings.DEVNET_BLOCK_TIME_MS,
    },
    axon: {
      host: dev ? '127.0.0.1' : settings.AXON_IP,
      port: settings.AXON_PORT,
      externalIp: settings.AXON_EXTERNAL_IP,
      externalPort: settings.AXON_EXTERNAL_PORT ?? settings.AXON_PORT,
      minStakeTao: settings.FORCE_VPERMIT ? settings.MIN_VALIDATOR_STAKE : 0,
      futureToleranceMs: settings.FUTURE_TOLERANCE_MS,
      bodyLimitBytes: settings.BODY_LIMIT_MIB * MIB,
      bodyBudgetBytes: settings.BODY_BUDGET_MIB * MIB,
      synapse: settings.SYNAPSE && settings.MINER_TYPE === 'detector',
    },
    concurrency: concurrencyOn(availableParallelism(), settings.VIDEO_CONCURRENCY),
    admin: { host: '127.0.0.1', port: adminPort },
    device: settings.DEVICE,
    models: {
      image: resolve(root, expandHome(settings.IMAGE_MODEL)),
      video: resolve(root, expandHome(settings.VIDEO_MODEL)),
      segmenter: resolve(root, expandHome(settings.SEGMENTER_MODEL)),
    },
    logLevel: settings.LOGLEVEL,
    stateDir: join(resolve(root, expandHome(settings.STATE_DIR)), `${dev ? 'dev' : networkName}-${netuid}`),
  };
}

/** 1000 above the axon's port, or 1000 below it if there is no such port. */
function defaultAdminPort(axonPort: number): number {
  return axonPort + 1000 <= 65_535 ? axonPort + 1000 : axonPort - 1000;
}

function expandHome(path: string): string {
  return path.replace(/^~(?=\/|$)/, () => homedir());
}
