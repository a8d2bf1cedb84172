/**
 * One connection to one node, from the checks at its start to its end. Owned by the connection, which opens one after the
 * other.
 */

import { join } from 'node:path';
import { ApiPromise } from '@polkadot/api';
import { compactFromU8a, hexToU8a, u8aToHex } from '@polkadot/util';
import { z } from 'zod';
import { asMinerError, MinerError } from '../../errors.ts';
import { displayEndpoint } from '../../net/display-endpoint.ts';
import { createStateFile, type StateFile } from '../../state/state-file.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { untilAborted } from '../../until-aborted.ts';
import { createApiProvider } from './api-provider.ts';
import { BLOCK_TIME_KEY, decodeBlockTime, type HeadJudge } from './head-age.ts';
import { openRpcSocket, type RpcSocket } from './json-rpc.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { type HexString, headerSchema, hexSchema, parse } from './node-answers.ts';

const pinSchema = z.object({ genesisHash: hexSchema });

/** The chain that this miner has used so far. It counts if the network does not name a chain. */
export type GenesisPin = StateFile<z.output<typeof pinSchema>>;

/** The pin in a state folder. It is read at each connection, so an operator resets it by removing the file. */
export function openGenesisPin({
  folder,
  logger,
}: {
  readonly folder: string;
  readonly logger: Logger;
}): GenesisPin {
  return createStateFile({ path: join(folder, 'genesis.json'), schema: pinSchema, logger });
}

/** Which chains are accepted. Hashes are 0x-prefixed lower-case hex. */
export interface GenesisRules {
  /** The only accepted chain. If absent, the pin decides. */
  readonly expected?: string | undefined;
  /** Holds the first chain that was used, if `expected` is absent. From then on only that chain is accepted. */
  readonly pin?: GenesisPin | undefined;
  /** Chains that are never accepted: the reason, by genesis hash. */
  readonly refused: Readonly<Record<string, string>>;
}

/** An open session with a node that serves the right chain. */
export interface ChainSession {
  /** The address of the node, without credentials, path or query. */
  readonly endpoint: string;
  readonly genesisHash: HexString;
  readonly specVersion: number;
  readonly socket: RpcSocket;
  readonly api: ApiPromise;
  /** The result of a call through `api`. Rejects with the reason of the session's end if that comes first. */
  settled<T>(call: Promise<T>): Promise<T>;
  /** Ends the session because the endpoint is untrusted. Its metadata are dropped. */
  distrust(reason: MinerError): void;
  /** Whether a new head, made at `timestampMs` (Unix time), is young enough. If not, the session ends. */
  believes(timestampMs: number): boolean;
}

interface SessionOptions {
  readonly url: string;
  readonly genesis: GenesisRules;
  readonly metadataCache: MetadataCache;
  readonly connectTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly judgeHead: HeadJudge;
  readonly signal: AbortSignal;
  /** Called with the number of each new best block; with the first one before the session is returned. */
  readonly onHead: (block: number) => void;
  readonly onCallbackError: (error: unknown) => void;
}

/** The newest metadata version that has the runtime calls and that every current subtensor offers. */
const METADATA_VERSION = 15;

/** These extensions add nothing to an extrinsic. Polkadot.js warns about extensions that it does not know. */
const EMPTY_EXTENSION = { extrinsic: {}, payload: {} };
const SIGNED_EXTENSIONS = {
  SudoTransactionExtension: EMPTY_EXTENSION,
  CheckShieldedTxValidity: EMPTY_EXTENSION,
  SubtensorTransactionExtension: EMPTY_EXTENSION,
  DrandPriority: EMPTY_EXTENSION,
};

const runtimeVersionSchema = z.object({
  specVersion: z
    .number()
    .int()
    .nonnegative()
    .max(2 ** 32 - 1),
});
const hashSchema = hexSchema.refine((hash) => hash.length === 66, { error: 'is not a hash of 32 bytes' });

/** A fork moves the best block by a few. No chain jumps this far between two notifications of one node. */
const LONGEST_JUMP_BLOCKS = 1_000;
/**
 * Connects to a node, checks which chain it serves and that its newest block is young, and only then loads its
 * metadata. So nothing from a node that is still syncing is read, kept or pinned. A runtime upgrade ends the session,
 * because the old metadata decode wrong values; the next session loads the new metadata.
 *
 * @throws MinerError CHAIN_UNREACHABLE, CHAIN_WRONG_NETWORK, CHAIN_NODE_BEHIND, CHAIN_ENDPOINT_UNTRUSTED or
 *   CHAIN_CALL_FAILED
 */
export async function openChainSession(options: SessionOptions): Promise<ChainSession> {
  const { url, genesis, metadataCache, connectTimeoutMs, callTimeoutMs, signal } = options;
  const { judgeHead, onHead, onCallbackError } = options;
  const socket = await openRpcSocket({ url, connectTimeoutMs, callTimeoutMs, signal, onCallbackError });
  try {
    const genesisHash = parse(hashSchema, await socket.request('chain_getBlockHash', [0]));
    checkGenesis(genesisHash, genesis);
    // All answers are of one block: metadata that are kept under the version of another runtime would stay wrong.
    const at = parse(hashSchema, await socket.request('chain_getBlockHash', []));
    await refuseOldHead(socket, at, judgeHead);
    const { specVersion } = parse(
      runtimeVersionSchema,
      await socket.request('state_getRuntimeVersion', [at]),
    );
    const key = `${genesisHash}-${specVersion}`;
    const metadata = await loadMetadata(socket, { key, at, cache: metadataCache });
    const api = await createApi(socket, metadata);
    const loaded = metadata[key];
    if (loaded !== undefined && metadataCache.get(key) === undefined) metadataCache.set(key, loaded);
    await followRuntime(socket, specVersion);
    await followHeads(socket, onHead);
    pinGenesis(genesisHash, genesis);
    return {
      endpoint: displayEndpoint(url),
      genesisHash,
      specVersion,
      socket,
      api,
      settled: (call) => untilAborted(call, socket.ended),
      distrust(reason) {
        metadataCache.clear();
        socket.end(reason);
      },
      believes(timestampMs) {
        const fault = judgeHead(timestampMs);
        if (fault !== undefined) socket.end(fault);
        return fault === undefined;
      },
    };
  } catch (error) {
    const reason = asMinerError(error, 'CHAIN_CALL_FAILED');
    socket.end(reason);
    await socket.closed;
    throw reason;
  }
}

function checkGenesis(genesisHash: HexString, { expected, refused, pin }: GenesisRules): void {
  const why = refused[genesisHash];
  if (why !== undefined) throw new MinerError('CHAIN_WRONG_NETWORK', why);
  if (expected !== undefined && genesisHash !== expected) {
    throw new MinerError(
      'CHAIN_WRONG_NETWORK',
      `the endpoint serves the chain with genesis ${genesisHash}, not ${expected}`,
    );
  }
  if (expected !== undefined || pin === undefined) return;
  const pinned = pin.read()?.genesisHash;
  if (pinned === undefined || pinned === genesisHash) return;
  throw new MinerError(
    'CHAIN_WRONG_NETWORK',
    `the endpoint serves the chain with genesis ${genesisHash}; this miner has used ${pinned} so far. ` +
      `If the change is intended, delete ${pin.path} and start again`,
  );
}

/** Called at the end: only a chain that worked is pinned. */
function pinGenesis(genesisHash: HexString, { expected, pin }: GenesisRules): void {
  if (expected !== undefined || pin === undefined || pin.read() !== undefined) return;
  pin.write({ genesisHash });
}

/**
 * @param at hash of the node's newest block
 * @throws MinerError CHAIN_NODE_BEHIND. A chain that keeps no block times passes
 */
async function refuseOldHead(socket: RpcSocket, at: HexString, judgeHead: HeadJudge): Promise<void> {
  const answer = await socket.request('state_getStorage', [BLOCK_TIME_KEY, at]);
  const time = parse(hexSchema.nullable(), answer);
  if (time !== null) {
    const fault = judgeHead(decodeBlockTime(time));
    if (fault !== undefined) throw fault;
    return;
  }
  // The first block of a chain has no time. A node that has no other block has only begun to sync.
  const header = parse(headerSchema, await socket.request('chain_getHeader', [at]));
  if (header.number > 0) return;
  throw new MinerError('CHAIN_NODE_BEHIND', 'the node has only the first block: it has only begun to sync');
}

async function loadMetadata(
  socket: RpcSocket,
  { key, at, cache }: { readonly key: string; readonly at: HexString; readonly cache: MetadataCache },
): Promise<Record<string, HexString>> {
  const cached = cache.get(key);
  if (cached !== undefined) return { [key]: cached };
  const version = u8aToHex(new Uint8Array([METADATA_VERSION, 0, 0, 0]));
  const answer = await socket.request('state_call', ['Metadata_metadata_at_version', version, at]);
  return { [key]: unwrapOpaqueMetadata(hexToU8a(parse(hexSchema, answer))) };
}

/** SCALE `Option<OpaqueMetadata>`: 1, the length, the metadata. */
function unwrapOpaqueMetadata(encoded: Uint8Array): HexString {
  if (encoded[0] !== 1) {
    throw new MinerError('CHAIN_CALL_FAILED', `the chain has no metadata of version ${METADATA_VERSION}`);
  }
  const [prefixLength, length] = compactFromU8a(encoded.subarray(1));
  const start = 1 + prefixLength;
  return u8aToHex(encoded.subarray(start, start + length.toNumber()));
}

async function createApi(socket: RpcSocket, metadata: Record<string, HexString>): Promise<ApiPromise> {
  const api = new ApiPromise({
    provider: createApiProvider(socket),
    metadata,
    signedExtensions: SIGNED_EXTENSIONS,
    noInitWarn: true,
  });
  return await untilAborted(api.isReadyOrError, socket.ended);
}

async function followRuntime(socket: RpcSocket, specVersion: number): Promise<void> {
  await socket.subscribe('state_subscribeRuntimeVersion', [], (result) => {
    const version = parse(runtimeVersionSchema, result).specVersion;
    if (version === specVersion) return;
    socket.end(
      new MinerError('CHAIN_CALL_FAILED', `the runtime changed from spec ${specVersion} to ${version}`),
    );
  });
}

/** Resolves at the first head: a node without one is of no use. */
async function followHeads(socket: RpcSocket, onHead: (block: number) => void): Promise<void> {
  let first: (() => void) | undefined;
  const seen = new Promise<void>((resolve) => {
    first = resolve;
  });
  let latest: number | undefined;
  await socket.subscribe('chain_subscribeNewHeads', [], (result) => {
    const block = parse(headerSchema, result).number;
    if (Math.abs(block - (latest ?? block)) > LONGEST_JUMP_BLOCKS) {
      throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', `the newest block jumps from ${latest} to ${block}`);
    }
    latest = block;
    onHead(block);
    first?.();
  });
  await untilAborted(seen, socket.ended);
}
