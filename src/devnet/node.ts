import { cryptoWaitReady } from '@polkadot/util-crypto';
import { type Clock, systemClock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createBlockAuthor } from './control/block-author.ts';
import { type Control, createControl, toHotkey, toRao } from './control/control.ts';
import { createControlMethods } from './control/control-methods.ts';
import { DEVELOPMENT_NEURONS, type GenesisNeuron } from './control/development-neurons.ts';
import { type Block, type BlockLedger, createBlockLedger } from './ledger/block-ledger.ts';
import { invalidControl, registerNeuron, type Subnet } from './ledger/subnet.ts';
import type { Call } from './rpc/dispatch.ts';
import { createPool } from './rpc/pool.ts';
import { createRpcMethods, type RpcMethods } from './rpc/rpc-methods.ts';
import { createRpcServer } from './rpc/rpc-server.ts';
import { createSubscriptions, SUBSCRIPTION_METHODS, type Subscriptions } from './rpc/subscriptions.ts';
import { createRuntimeApi } from './runtime/runtime-api.ts';
import { createRuntimeCodec, type RuntimeCodec } from './runtime/runtime-codec.ts';
import { FIRST_RUNTIME } from './runtime/runtime-version.ts';
import { createStorage } from './runtime/storage.ts';

export interface DevnetOptions {
  /** A loopback address. Any other is refused, because everybody knows the keys of this chain. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly netuid: number;
  readonly blockTimeMs: number;
  /** Whether each submission makes a block at once; false if absent. */
  readonly sealOnSubmit?: boolean;
  /** Blocks between two announcements of one hotkey; 50 if absent, as on finney. */
  readonly servingRateLimitBlocks?: number;
  /** The neurons of the first block, by uid; //Alice, //Bob and //Charlie if absent. */
  readonly neurons?: readonly GenesisNeuron[];
  /** Gives the chain another name, and so another genesis hash. */
  readonly chainName?: string;
  /** The blocks of a closed devnet to continue from. They bring their own `netuid`, neurons and rate limit. */
  readonly state?: BlockLedger;
  readonly logger?: Logger;
  readonly clock?: Pick<Clock, 'now'>;
}

/** A development subtensor on loopback: JSON-RPC over WebSocket and over HTTP POST on one port. */
export interface Devnet extends Control {
  /** `ws://host:port` */
  readonly url: string;
  readonly port: number;
  readonly blockNumber: number;
  /** All blocks. Another devnet can continue from them. */
  readonly state: BlockLedger;
  /**
   * Sockets stay open, but nothing is sent. Blocks are still made, and devnet_* calls over HTTP are still answered.
   */
  stopAnswering(): void;
  resumeAnswering(): void;
  /** The timer makes no more blocks, as on a node that has lost its peers. Calls are still answered. */
  stopBlocks(): void;
  resumeBlocks(): void;
  /** Ends the open WebSockets. New ones are accepted. */
  dropConnections(): void;
  /**
   * Makes a block at once, from which on another runtime is in force. Extrinsics that were signed for the old one are
   * refused.
   * @param serveAxonIndex the index of the call; subtensor has 4, and no client should sign another
   * @throws MinerError DEVNET_INVALID_CONTROL if the version is not higher than the present one
   */
  upgradeRuntime(specVersion: number, serveAxonIndex?: number): void;
  close(): Promise<void>;
}

const DEFAULT_SERVING_RATE_LIMIT_BLOCKS = 50;
/** Release 3.3.1 of the subnet's validators, of the last release line that asks axons. */
const DEFAULT_WEIGHTS_VERSION = 303_010;

function createGenesisSubnet(options: DevnetOptions): Subnet {
  const { netuid, neurons = DEVELOPMENT_NEURONS } = options;
  const servingRateLimitBlocks = options.servingRateLimitBlocks ?? DEFAULT_SERVING_RATE_LIMIT_BLOCKS;
  return neurons.reduce<Subnet>(
    (subnet, { hotkey, stakeTao = 0, permit = false }) =>
      registerNeuron(subnet, toHotkey(hotkey), { stakeRao: toRao(stakeTao), permit, block: 0 }),
    { netuid, servingRateLimitBlocks, weightsVersion: DEFAULT_WEIGHTS_VERSION, neurons: [] },
  );
}

/** A fault that ends on demand or after a time. */
function createFault(onEnd: () => void) {
  let active = false;
  let timer: NodeJS.Timeout | undefined;
  function end(): void {
    clearTimeout(timer);
    const wasActive = active;
    active = false;
    if (wasActive) onEnd();
  }
  return {
    isActive: () => active,
    end,
    start: (durationMs?: number) => {
      clearTimeout(timer);
      active = true;
      if (durationMs !== undefined) timer = setTimeout(end, durationMs).unref();
    },
    close: () => clearTimeout(timer),
  };
}

/**
 * Starts a development chain. The README beside this file describes its rooms.
 *
 * @throws MinerError CONFIG_DEV_ONLY_LOOPBACK for a host that is not loopback, AXON_PORT_IN_USE for a taken port
 */
export async function createDevnet(options: DevnetOptions): Promise<Devnet> {
  const { host, blockTimeMs, logger, clock = systemClock } = options;
  await cryptoWaitReady();

  let runtime = FIRST_RUNTIME;
  const ledger =
    options.state ?? createBlockLedger(createGenesisSubnet(options), clock.now(), options.chainName);
  const pool = createPool({
    ledger,
    runtime: () => runtime,
    // One turn of the event loop later, so that the answer to the submission is sent before the block.
    onSubmit: () => {
      if (options.sealOnSubmit === true) setImmediate(() => control.produceBlock());
    },
  });
  const firstCodec = createRuntimeCodec(runtime);
  // Stored values are the same in all runtimes.
  const storage = createStorage(firstCodec);
  const blockAuthor = createBlockAuthor({ ledger, pool, clock });
  const clients = new Set<Subscriptions>();
  const announce = () => {
    for (const client of clients) client.announce();
  };
  const silence = createFault(announce);
  const standstill = createFault(() => undefined);

  function onBlock({ number, hash, extrinsics }: Block): void {
    logger?.debug({ block: number, hash, extrinsics: extrinsics.length }, 'devnet block');
    if (!silence.isActive()) announce();
  }

  const control = createControl({ ledger, pool, blockAuthor, onBlock });
  const controlMethods = createControlMethods({
    ledger,
    control,
    faults: {
      stopAnswering: silence.start,
      stopBlocks: standstill.start,
      dropConnections: () => server.dropConnections(),
      upgradeRuntime,
    },
  });

  function createMethods(codec: RuntimeCodec): RpcMethods {
    const runtimeApi = createRuntimeApi(codec);
    const { metadata } = codec;
    const rpcMethods = createRpcMethods({ ledger, pool, storage, runtimeApi, runtime, metadata });
    // Control methods are left out: clients warn about each name that they do not know.
    const names = [...Object.keys(rpcMethods), ...SUBSCRIPTION_METHODS, 'rpc_methods'].sort();
    return { ...rpcMethods, ...controlMethods, rpc_methods: () => ({ methods: names }) };
  }
  let methods = createMethods(firstCodec);

  function upgradeRuntime(specVersion: number, serveAxonIndex = runtime.serveAxonIndex): void {
    if (!Number.isInteger(specVersion) || specVersion <= runtime.specVersion || specVersion >= 2 ** 32) {
      throw invalidControl(`a new runtime needs a whole number above ${runtime.specVersion}`);
    }
    runtime = { specVersion, serveAxonIndex };
    methods = createMethods(createRuntimeCodec(runtime));
    control.produceBlock();
  }

  const callOnce: Call = (method, params) => {
    const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
    return run === undefined ? undefined : { result: run(params) };
  };

  const server = await createRpcServer({
    host,
    port: options.port,
    callOnce,
    connect: (notify) => {
      const subscriptions = createSubscriptions({
        ledger,
        pool,
        storage,
        runtime: () => runtime,
        notify: (method, params) => {
          if (!silence.isActive()) notify(method, params);
        },
      });
      clients.add(subscriptions);
      return {
        call: (method, params) => subscriptions.call(method, params) ?? callOnce(method, params),
        close: () => clients.delete(subscriptions),
      };
    },
    isIgnored: (request, transport) => {
      const isControl =
        transport === 'http' && request !== undefined && Object.hasOwn(controlMethods, request.method);
      return silence.isActive() && !isControl;
    },
    onFault: (err) => logger?.error({ err }, 'devnet fault'),
  });
  const blockTimer = setInterval(() => {
    if (!standstill.isActive()) control.produceBlock();
  }, blockTimeMs);

  return {
    ...control,
    url: server.url,
    port: server.port,
    get blockNumber() {
      return ledger.head.number;
    },
    state: ledger,
    stopAnswering: () => silence.start(),
    resumeAnswering: () => silence.end(),
    stopBlocks: () => standstill.start(),
    resumeBlocks: () => standstill.end(),
    dropConnections: () => server.dropConnections(),
    upgradeRuntime,
    close: async () => {
      clearInterval(blockTimer);
      silence.close();
      standstill.close();
      await server.close();
    },
  };
}
