import { cryptoWaitReady } from '@polkadot/util-crypto';
import { type Clock, systemClock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createBlockAuthor } from './block-author.ts';
import { type Block, type Chain, createChain } from './chain.ts';
import { type Control, createControl, toHotkey, toRao } from './control.ts';
import { createControlMethods } from './control-methods.ts';
import { DEVELOPMENT_NEURONS, type GenesisNeuron } from './development-neurons.ts';
import type { Call } from './dispatch.ts';
import { createPool } from './pool.ts';
import { createRpcMethods, type RpcMethods } from './rpc-methods.ts';
import { createRpcServer } from './rpc-server.ts';
import { createRuntimeApi } from './runtime-api.ts';
import { createRuntimeCodec } from './runtime-codec.ts';
import { createSession, SESSION_METHODS, type Session } from './session.ts';
import { createStorage } from './storage.ts';
import { registerNeuron, type Subnet } from './subnet.ts';

export interface DevnetOptions {
  /** A loopback address; any other is refused, as everybody knows the keys of this chain. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly netuid: number;
  readonly blockTimeMs: number;
  /** Blocks between two announcements of one hotkey; 50, as on finney, when absent. */
  readonly servingRateLimitBlocks?: number;
  /** Who is registered from the start, by uid; //Alice, //Bob and //Charlie when absent. */
  readonly neurons?: readonly GenesisNeuron[];
  /** The chain of a closed devnet, to go on with; `netuid`, `neurons` and the rate limit are then its own. */
  readonly state?: Chain;
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
  readonly state: Chain;
  /**
   * Silence: sockets stay open, but nothing is answered or told. Blocks are still made, and devnet_* calls
   * over HTTP are still answered.
   */
  stopAnswering(): void;
  resumeAnswering(): void;
  close(): Promise<void>;
}

const DEFAULT_SERVING_RATE_LIMIT_BLOCKS = 50;

function createGenesisSubnet(options: DevnetOptions): Subnet {
  const { netuid, neurons = DEVELOPMENT_NEURONS } = options;
  const servingRateLimitBlocks = options.servingRateLimitBlocks ?? DEFAULT_SERVING_RATE_LIMIT_BLOCKS;
  return neurons.reduce<Subnet>(
    (subnet, { hotkey, stakeTao = 0, permit = false }) =>
      registerNeuron(subnet, toHotkey(hotkey), { stakeRao: toRao(stakeTao), permit, block: 0 }),
    { netuid, servingRateLimitBlocks, neurons: [] },
  );
}

/** Silence that can be ended by hand or by time. */
function createSilence(onEnd: () => void) {
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

  const codec = createRuntimeCodec();
  const chain = options.state ?? createChain(createGenesisSubnet(options), clock.now());
  const pool = createPool(chain);
  const storage = createStorage(codec);
  const runtimeApi = createRuntimeApi(codec);
  const blockAuthor = createBlockAuthor({ chain, pool, clock });
  const sessions = new Set<Session>();
  const announce = () => {
    for (const session of sessions) session.announce();
  };
  const silence = createSilence(announce);

  function onBlock({ number, hash, extrinsics }: Block): void {
    logger?.debug({ block: number, hash, extrinsics: extrinsics.length }, 'devnet block');
    if (!silence.isActive()) announce();
  }

  const control = createControl({ chain, pool, blockAuthor, onBlock });
  const controlMethods = createControlMethods({
    chain,
    control,
    stopAnswering: (seconds) => silence.start(seconds * 1000),
  });
  const rpcMethods = createRpcMethods({ chain, pool, storage, runtimeApi, metadata: codec.metadata });
  // Control methods are left out: clients warn of every name in this list that they do not know.
  const names = [...Object.keys(rpcMethods), ...SESSION_METHODS, 'rpc_methods'].sort();
  const methods: RpcMethods = { ...rpcMethods, ...controlMethods, rpc_methods: () => ({ methods: names }) };

  const callOnce: Call = (method, params) => {
    const run = Object.hasOwn(methods, method) ? methods[method] : undefined;
    return run === undefined ? undefined : { result: run(params) };
  };

  const server = await createRpcServer({
    host,
    port: options.port,
    callOnce,
    connect: (notify) => {
      const session = createSession({
        chain,
        pool,
        storage,
        notify: (method, params) => {
          if (!silence.isActive()) notify(method, params);
        },
      });
      sessions.add(session);
      return {
        call: (method, params) => session.call(method, params) ?? callOnce(method, params),
        close: () => sessions.delete(session),
      };
    },
    isIgnored: (request, transport) => {
      const isControl =
        transport === 'http' && request !== undefined && Object.hasOwn(controlMethods, request.method);
      return silence.isActive() && !isControl;
    },
    onFault: (err) => logger?.error({ err }, 'devnet fault'),
  });
  const blockTimer = setInterval(() => control.produceBlock(), blockTimeMs);

  return {
    ...control,
    url: server.url,
    port: server.port,
    get blockNumber() {
      return chain.head.number;
    },
    state: chain,
    stopAnswering: () => silence.start(),
    resumeAnswering: () => silence.end(),
    close: async () => {
      clearInterval(blockTimer);
      silence.close();
      await server.close();
    },
  };
}
