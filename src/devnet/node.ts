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
  /** A loopback address; any other is refused, as everybody knows the keys of this chain. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly netuid: number;
  readonly blockTimeMs: number;
  /** Whether a submission makes a block at once, so that nobody waits for the next; false when absent. */
  readonly sealOnSubmit?: boolean;
  /** Blocks between two announcements of one hotkey; 50, as on finney, when absent. */
  readonly servingRateLimitBlocks?: number;
  /** Who is registered from the start, by uid; //Alice, //Bob and //Charlie when absent. */
  readonly neurons?: readonly GenesisNeuron[];
  /** Makes it another chain, with a genesis hash of its own. */
  readonly chainName?: string;
  /** The chain of a closed devnet, to go on with; `netuid`, `neurons` and the rate limit are then its own. */
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
  /** All blocks; passed to another devnet, it starts where this one was closed. */
  readonly state: BlockLedger;
  /**
   * Silence: sockets stay open, but nothing is answered or told. Blocks are still made, and devnet_* calls
   * over HTTP are still answered.
   */
  stopAnswering(): void;
  resumeAnswering(): void;
  /** No time makes a block any more, as on a node that has lost its peers; all else goes on. */
  stopBlocks(): void;
  resumeBlocks(): void;
  /** Ends the WebSockets that are open; new ones are taken. */
  dropConnections(): void;
  /**
   * From the next block on, which is made at once, there is a new runtime of another version. What was signed for the old
   * one is refused.
   * @param serveAxonIndex the number of the call in it; another than that of subtensor, 4, is what no client should sign
   * @throws MinerError DEVNET_INVALID_CONTROL for a version that is not higher than the one in force
   */
  upgradeRuntime(specVersion: number, serveAxonIndex?: number): void;
  close(): Promise<void>;
}

const DEFAULT_SERVING_RATE_LIMIT_BLOCKS = 50;
/** Release 3.3.1 of the subnet's validators, the last line that asks axons. */
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

/** A fault that can be ended by hand or by time. */
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
 * Starts a development chain.
 *
 * @throws MinerError CONFIG_DEV_ONLY_LOOPBACK for a host that is not loopback, AXON_PORT_IN_USE for a taken port.
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
    // A turn of the event loop later, so that the answer to the submission goes out before the block.
    onSubmit: () => {
      if (options.sealOnSubmit === true) setImmediate(() => control.produceBlock());
    },
  });
  const firstCodec = createRuntimeCodec(runtime);
  // What is stored is the same in all runtimes.
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
    // Control methods are left out: clients warn of every name in this list that they do not know.
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
