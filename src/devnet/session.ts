import { randomBytes } from 'node:crypto';
import type { Chain } from './chain.ts';
import type { ExtrinsicStatus, Pool } from './pool.ts';
import { RpcError } from './rpc-error.ts';
import { hexParam, keysParam } from './rpc-methods.ts';
import { describeRuntimeVersion } from './runtime-version.ts';
import type { Storage } from './storage.ts';

/** The answer to a call, and what is sent right after it. */
export interface SessionReply {
  readonly result: unknown;
  readonly afterwards?: () => void;
}

/** The subscriptions of one connection. */
export interface Session {
  /** Undefined for a method that is no subscription. */
  call(method: string, params: readonly unknown[]): SessionReply | undefined;
  /** Tells of the head of the chain, and of what has changed in the storage since the last time. */
  announce(): void;
}

interface SessionOptions {
  readonly chain: Chain;
  readonly pool: Pool;
  readonly storage: Storage;
  /** Sends a notification: its method, and the `params` of JSON-RPC. */
  readonly notify: (
    method: string,
    params: { readonly subscription: string; readonly result: unknown },
  ) => void;
}

const SUBSCRIPTIONS_LIMIT = 256;

type Tell = (result: unknown) => void;
type OnBlock = () => void;

/** Starts a subscription: what to do at once and at each block. */
interface Source {
  readonly notification: string;
  readonly unsubscribe: string;
  start(tell: Tell, params: readonly unknown[]): { readonly first: () => void; readonly onBlock?: OnBlock };
}

function createSources({ chain, pool, storage }: Pick<SessionOptions, 'chain' | 'pool' | 'storage'>) {
  const heads = {
    start: (tell: Tell) => {
      let told = -1;
      const onBlock = () => {
        if (told !== chain.head.number) tell(chain.head.header);
        told = chain.head.number;
      };
      return { first: onBlock, onBlock };
    },
  };

  function startStorage(tell: Tell, params: readonly unknown[]) {
    const keys = keysParam(params[0]);
    const told = new Map<string, string | null>();
    const onBlock = () => {
      const block = chain.head;
      const changes = keys
        .map((key) => [key, storage.read(block, key)] as const)
        .filter(([key, value]) => told.get(key) !== value);
      for (const [key, value] of changes) told.set(key, value);
      if (changes.length > 0) tell({ block: block.hash, changes });
    };
    return { first: onBlock, onBlock };
  }

  function startFinalized(tell: Tell) {
    let told = -1;
    const onBlock = () => {
      const { finalized } = chain;
      if (told !== finalized.number) tell(finalized.header);
      told = finalized.number;
    };
    return { first: onBlock, onBlock };
  }

  function startExtrinsic(tell: Tell, params: readonly unknown[]) {
    const watcher = (status: ExtrinsicStatus) => tell(status);
    const { status } = pool.submit(hexParam(params[0], 'The extrinsic'), watcher);
    return { first: () => tell(status) };
  }

  const sources: Readonly<Record<string, Source>> = {
    chain_subscribeNewHeads: {
      ...heads,
      notification: 'chain_newHead',
      unsubscribe: 'chain_unsubscribeNewHeads',
    },
    chain_subscribeAllHeads: {
      ...heads,
      notification: 'chain_allHead',
      unsubscribe: 'chain_unsubscribeAllHeads',
    },
    chain_subscribeFinalizedHeads: {
      notification: 'chain_finalizedHead',
      unsubscribe: 'chain_unsubscribeFinalizedHeads',
      start: startFinalized,
    },
    state_subscribeRuntimeVersion: {
      notification: 'state_runtimeVersion',
      unsubscribe: 'state_unsubscribeRuntimeVersion',
      start: (tell) => ({ first: () => tell(describeRuntimeVersion()) }),
    },
    state_subscribeStorage: {
      notification: 'state_storage',
      unsubscribe: 'state_unsubscribeStorage',
      start: startStorage,
    },
    author_submitAndWatchExtrinsic: {
      notification: 'author_extrinsicUpdate',
      unsubscribe: 'author_unwatchExtrinsic',
      start: startExtrinsic,
    },
  };
  return sources;
}

/** Names of all methods that a session answers. */
export const SESSION_METHODS: readonly string[] = [
  ...['chain_subscribeNewHeads', 'chain_unsubscribeNewHeads'],
  ...['chain_subscribeAllHeads', 'chain_unsubscribeAllHeads'],
  ...['chain_subscribeFinalizedHeads', 'chain_unsubscribeFinalizedHeads'],
  ...['state_subscribeRuntimeVersion', 'state_unsubscribeRuntimeVersion'],
  ...['state_subscribeStorage', 'state_unsubscribeStorage'],
  ...['author_submitAndWatchExtrinsic', 'author_unwatchExtrinsic'],
];

export function createSession({ notify, ...options }: SessionOptions): Session {
  const sources = createSources(options);
  const unsubscribeNames = new Set(Object.values(sources).map((source) => source.unsubscribe));
  const subscriptions = new Map<string, OnBlock>();

  function subscribe(source: Source, params: readonly unknown[]): SessionReply {
    if (subscriptions.size >= SUBSCRIPTIONS_LIMIT) {
      throw new RpcError(-32006, 'Too many subscriptions on the connection');
    }
    const subscription = randomBytes(12).toString('base64url');
    const tell: Tell = (result) => {
      if (subscriptions.has(subscription)) notify(source.notification, { subscription, result });
    };
    const { first, onBlock } = source.start(tell, params);
    subscriptions.set(subscription, onBlock ?? (() => {}));
    return { result: subscription, afterwards: first };
  }

  return {
    call: (method, params) => {
      const source = Object.hasOwn(sources, method) ? sources[method] : undefined;
      if (source !== undefined) return subscribe(source, params);
      if (!unsubscribeNames.has(method)) return undefined;
      return { result: subscriptions.delete(String(params[0])) };
    },
    announce: () => {
      for (const onBlock of [...subscriptions.values()]) onBlock();
    },
  };
}
