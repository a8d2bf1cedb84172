import { hexToU8a, isHex, u8aToHex } from '@polkadot/util';
import { decodeAddress, encodeAddress } from '@polkadot/util-crypto';
import type { Block, BlockLedger } from '../ledger/block-ledger.ts';
import type { EncodedMetadata } from '../runtime/metadata.ts';
import { invalidParams, NodeError } from '../runtime/node-error.ts';
import type { RuntimeApi } from '../runtime/runtime-api.ts';
import { describeRuntimeVersion, type Runtime } from '../runtime/runtime-version.ts';
import type { Storage } from '../runtime/storage.ts';
import type { Pool } from './pool.ts';

export type RpcMethod = (params: readonly unknown[]) => unknown;
export type RpcMethods = Readonly<Record<string, RpcMethod>>;

interface RpcMethodsOptions {
  readonly ledger: BlockLedger;
  readonly pool: Pool;
  readonly storage: Storage;
  readonly runtimeApi: RuntimeApi;
  readonly runtime: Runtime;
  readonly metadata: EncodedMetadata;
}

/** Older names that nodes still answer, and that the Python SDK uses. */
const ALIASES = {
  account_nextIndex: 'system_accountNextIndex',
  chain_getHead: 'chain_getBlockHash',
  state_getStorageAt: 'state_getStorage',
} as const;

const KEYS_LIMIT = 1000;
const IGNORE_STATUS = () => {};

/** A hex parameter, `0x`-prefixed. @throws NodeError -32602. */
export function hexParam(value: unknown, name: string): string {
  if (!isHex(value) || value.length % 2 !== 0) throw invalidParams(`${name} has to be 0x-prefixed hex`);
  return value;
}

/** Bytes as hex, with or without `0x`: nodes require the prefix only for hashes and keys. @throws NodeError -32602. */
function bytesParam(value: unknown, name: string): Uint8Array {
  const hex = typeof value === 'string' && !value.startsWith('0x') ? `0x${value}` : value;
  return hexToU8a(hexParam(hex, name));
}

/** Storage keys, as hex in lower case. @throws NodeError -32602. */
export function keysParam(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > KEYS_LIMIT) {
    throw invalidParams(`the keys have to be a list of at most ${KEYS_LIMIT}`);
  }
  return value.map((key: unknown) => hexParam(key, 'a key').toLowerCase());
}

/** The number of keys in a page. @throws NodeError -32602, or 4002 if it is too high. */
function countParam(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw invalidParams('the count has to be a whole number');
  }
  if (value > KEYS_LIMIT) {
    throw new NodeError(4002, `count exceeds maximum value. value: ${value}, max: ${KEYS_LIMIT}`);
  }
  return value;
}

function addressParam(value: unknown): string {
  try {
    if (typeof value === 'string') return encodeAddress(decodeAddress(value), 42);
  } catch {
    // The answer is the same.
  }
  throw invalidParams('the account has to be an SS58 address');
}

/** The methods of a Substrate node with one answer each; for subscriptions see subscriptions.ts. */
export function createRpcMethods({
  ledger,
  pool,
  storage,
  runtimeApi,
  runtime,
  metadata,
}: RpcMethodsOptions): RpcMethods {
  function findBlock(hash: unknown): Block | undefined {
    return hash === undefined || hash === null
      ? ledger.head
      : ledger.byHash(hexParam(hash, 'the block hash'));
  }

  function blockAt(hash: unknown): Block {
    const block = findBlock(hash);
    if (block === undefined) {
      throw new NodeError(4003, `Client error: UnknownBlock: State already discarded for ${String(hash)}`);
    }
    return block;
  }

  function blockHash(number: unknown): string | null {
    if (number === undefined || number === null) return ledger.head.hash;
    return ledger.byNumber(Number(number))?.hash ?? null;
  }

  const methods: RpcMethods = {
    system_chain: () => 'SN34 Development',
    system_name: () => 'sn34-miner devnet',
    system_version: () => '1.0.0',
    system_properties: () => ({ isEthereum: false, ss58Format: 42, tokenDecimals: 9, tokenSymbol: 'TAO' }),
    system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
    system_accountNextIndex: ([account]) => pool.nextNonce(addressParam(account)),
    chain_getBlockHash: ([number]) => (Array.isArray(number) ? number.map(blockHash) : blockHash(number)),
    chain_getHeader: ([hash]) => findBlock(hash)?.header ?? null,
    chain_getBlock: ([hash]) => {
      const block = findBlock(hash);
      if (block === undefined) return null;
      const extrinsics = block.extrinsics.map((extrinsic) => u8aToHex(extrinsic));
      return { block: { header: block.header, extrinsics }, justifications: null };
    },
    chain_getFinalizedHead: () => ledger.finalized.hash,
    state_getRuntimeVersion: () => describeRuntimeVersion(runtime),
    state_getMetadata: () => u8aToHex(metadata.v14),
    state_call: ([method, input, at]) => {
      if (typeof method !== 'string') throw invalidParams('the method has to be a name');
      return u8aToHex(runtimeApi(method, bytesParam(input, 'the input'), blockAt(at)));
    },
    state_getStorage: ([key, at]) => storage.read(blockAt(at), hexParam(key, 'the key').toLowerCase()),
    state_getKeysPaged: ([prefix, count, startKey, at]) => {
      const keys = storage.keys(blockAt(at), hexParam(prefix ?? '0x', 'the prefix').toLowerCase());
      const start = hexParam(startKey ?? '0x', 'the start key').toLowerCase();
      return keys.filter((key) => key > start).slice(0, countParam(count));
    },
    state_queryStorageAt: ([keys, at]) => {
      const block = blockAt(at);
      return [{ block: block.hash, changes: keysParam(keys).map((key) => [key, storage.read(block, key)]) }];
    },
    author_submitExtrinsic: ([extrinsic]) =>
      pool.submit(hexParam(extrinsic, 'the extrinsic'), IGNORE_STATUS).hash,
  };
  const aliases = Object.entries(ALIASES).map(([alias, name]) => [alias, methods[name]]);
  return { ...methods, ...Object.fromEntries(aliases) };
}
