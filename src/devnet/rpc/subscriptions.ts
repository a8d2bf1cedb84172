import { randomBytes } from 'node:crypto';
import type { Block, BlockLedger } from '../ledger/block-ledger.ts';
import { NodeError } from '../runtime/node-error.ts';
import { describeRuntimeVersion, type Runtime } from '../runtime/runtime-version.ts';
import type { Storage } from '../runtime/storage.ts';
import type { ExtrinsicStatus, Pool } from './pool.ts';
import { hexParam, keysParam } from './rpc-methods.ts';

/** The answer to a call, and the work to do right after it is sent. */
export interface CallReply {
  readonly result: unknown;
  readonly afterwards?: () => void;
}

/** The subscriptions of one connection. */
export interface Subscriptions {
  /** Undefined if the method is not about subscriptions. */
  call(method: string, params: readonly unknown[]): CallReply | undefined;
  /** Sends the new head of the chain, and the storage changes since the last call. */
  announce(): void;
}

interface Sources {
  readonly ledger: BlockLedger;
  readonly pool: Pool;
  readonly storage: Storage;
  /** The runtime that is in force now. */
  readonly runtime: () => Runtime;
}

interface SubscriptionsOptions extends Sources {
  /** Sends a notification: its method, and the `params` of JSON-RPC. */
  readonly notify: (
    method: string,
    params: { readonly subscription: string; readonly result: unknown },
  ) => void;
}

/** One subscription, from the side of its feed. */
interface Subscriber {
  readonly params: readonly unknown[];
  tell(result: unknown): void;
  end(): void;
}

/** The work of a subscription right after its id is answered, and after each block. */
interface Feed {
  readonly first: () => void;
  readonly onBlock?: () => void;
}

interface Topic {
  /** Nodes know some methods by several names; polkadot.js uses `chain_subscribeNewHead`. */
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly notification: string;
  start(sources: Sources, subscriber: Subscriber): Feed;
}

const SUBSCRIPTIONS_LIMIT = 256;

/** Sends a header whenever the block differs from the last one. */
function feedBlocks(latest: () => Block, { tell }: Subscriber): Feed {
  let told = -1;
  const onBlock = () => {
    const { number, header } = latest();
    if (told !== number) tell(header);
    told = number;
  };
  return { first: onBlock, onBlock };
}

function feedStorage({ ledger, storage }: Sources, { params, tell }: Subscriber): Feed {
  const keys = keysParam(params[0]);
  const told = new Map<string, string | null>();
  const onBlock = () => {
    const block = ledger.head;
    const changes = keys
      .map((key) => [key, storage.read(block, key)] as const)
      .filter(([key, value]) => told.get(key) !== value);
    for (const [key, value] of changes) told.set(key, value);
    if (changes.length > 0) tell({ block: block.hash, changes });
  };
  return { first: onBlock, onBlock };
}

function feedRuntime({ runtime }: Sources, { tell }: Subscriber): Feed {
  let told: Runtime | undefined;
  const onBlock = () => {
    if (told !== runtime()) tell(describeRuntimeVersion(runtime()));
    told = runtime();
  };
  return { first: onBlock, onBlock };
}

function feedExtrinsic({ pool }: Sources, { params, tell, end }: Subscriber): Feed {
  const watcher = (status: ExtrinsicStatus) => {
    tell(status);
    if (status === 'invalid' || (typeof status === 'object' && 'finalized' in status)) end();
  };
  const { status } = pool.submit(hexParam(params[0], 'the extrinsic'), watcher);
  return { first: () => tell(status) };
}

const TOPICS: readonly Topic[] = [
  {
    subscribe: ['chain_subscribeNewHead', 'chain_subscribeNewHeads'],
    unsubscribe: ['chain_unsubscribeNewHead', 'chain_unsubscribeNewHeads'],
    notification: 'chain_newHead',
    start: ({ ledger }, subscriber) => feedBlocks(() => ledger.head, subscriber),
  },
  {
    subscribe: ['chain_subscribeAllHeads'],
    unsubscribe: ['chain_unsubscribeAllHeads'],
    notification: 'chain_allHead',
    start: ({ ledger }, subscriber) => feedBlocks(() => ledger.head, subscriber),
  },
  {
    subscribe: ['chain_subscribeFinalizedHeads'],
    unsubscribe: ['chain_unsubscribeFinalizedHeads'],
    notification: 'chain_finalizedHead',
    start: ({ ledger }, subscriber) => feedBlocks(() => ledger.finalized, subscriber),
  },
  {
    subscribe: ['state_subscribeRuntimeVersion'],
    unsubscribe: ['state_unsubscribeRuntimeVersion'],
    notification: 'state_runtimeVersion',
    start: feedRuntime,
  },
  {
    subscribe: ['state_subscribeStorage'],
    unsubscribe: ['state_unsubscribeStorage'],
    notification: 'state_storage',
    start: feedStorage,
  },
  {
    subscribe: ['author_submitAndWatchExtrinsic'],
    unsubscribe: ['author_unwatchExtrinsic'],
    notification: 'author_extrinsicUpdate',
    start: feedExtrinsic,
  },
];

/** Names of all methods that begin or end a subscription. */
export const SUBSCRIPTION_METHODS: readonly string[] = TOPICS.flatMap(({ subscribe, unsubscribe }) => [
  ...subscribe,
  ...unsubscribe,
]);

export function createSubscriptions({ notify, ...sources }: SubscriptionsOptions): Subscriptions {
  const feeds = new Map<string, Feed>();

  function subscribe(topic: Topic, params: readonly unknown[]): CallReply {
    if (feeds.size >= SUBSCRIPTIONS_LIMIT) {
      throw new NodeError(-32006, 'Too many subscriptions on the connection');
    }
    // A new id each time, so that a client cannot confuse it with a subscription of an earlier connection.
    const subscription = randomBytes(12).toString('base64url');
    const feed = topic.start(sources, {
      params,
      tell: (result) => {
        if (feeds.has(subscription)) notify(topic.notification, { subscription, result });
      },
      end: () => feeds.delete(subscription),
    });
    feeds.set(subscription, feed);
    return { result: subscription, afterwards: feed.first };
  }

  return {
    call: (method, params) => {
      const topic = TOPICS.find((one) => one.subscribe.includes(method));
      if (topic !== undefined) return subscribe(topic, params);
      const isUnsubscribe = TOPICS.some((one) => one.unsubscribe.includes(method));
      return isUnsubscribe ? { result: feeds.delete(String(params[0])) } : undefined;
    },
    announce: () => {
      for (const feed of [...feeds.values()]) feed.onBlock?.();
    },
  };
}
