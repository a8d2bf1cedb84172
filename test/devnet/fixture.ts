import { ApiPromise, HttpProvider, WsProvider } from '@polkadot/api';
import type { ApiOptions, SignerOptions, SubmittableExtrinsic } from '@polkadot/api/types';
import type { KeyringPair } from '@polkadot/keyring/types';
import type { ISubmittableResult } from '@polkadot/types/types';
import { onTestFinished } from 'vitest';
import type { Devnet, DevnetOptions } from '../../src/devnet/node.ts';
import { OWN_EXTENSIONS } from '../../src/devnet/runtime/runtime-codec.ts';
import { NETUID, openDevnet as openWithBlocks } from '../fixtures/devnet.ts';

/** Longer than any test: blocks come when a test asks for them. */
const NEVER_MS = 3_600_000;

/** A development chain that makes blocks only when asked to; closed after the test. */
export function openDevnet(options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  return openWithBlocks({ blockTimeMs: NEVER_MS, ...options });
}

/** polkadot.js as the miner uses it, connected over a real socket; disconnected after the test. */
export async function connect(devnet: Devnet): Promise<ApiPromise> {
  const provider = new WsProvider(devnet.url, 100) as NonNullable<ApiOptions['provider']>;
  const api = await ApiPromise.create({
    provider,
    signedExtensions: OWN_EXTENSIONS,
  });
  onTestFinished(async () => {
    const isGone = new Promise((resolve) => provider.on('disconnected', () => resolve(true)));
    const wasConnected = provider.isConnected;
    await api.disconnect();
    if (wasConnected) await isGone;
  });
  return api;
}

export interface Axon {
  readonly netuid?: number;
  readonly version?: number;
  readonly ip?: bigint;
  readonly port?: number;
  readonly ipType?: number;
}

/** The call that announces 8.8.8.8:8091, or the given values. */
export function serveAxon(api: ApiPromise, axon: Axon = {}): SubmittableExtrinsic<'promise'> {
  const { netuid = NETUID, version = 10_002_000, ip = 0x08080808n, port = 8091, ipType = 4 } = axon;
  const call = api.tx.subtensorModule?.serveAxon;
  if (call === undefined) throw new Error('The metadata has no serve_axon.');
  return call(netuid, version, ip, port, ipType, 4, 0, 0);
}

/**
 * Signs and submits an extrinsic, and makes blocks until it is in a block or final.
 *
 * @throws the error that the node answers
 */
export function submit(
  devnet: Devnet,
  extrinsic: SubmittableExtrinsic<'promise'>,
  key: KeyringPair,
  options: { readonly era?: number; readonly nonce?: number; readonly genesisHash?: string } = {},
  until: 'inBlock' | 'finalized' = 'inBlock',
): Promise<ISubmittableResult> {
  return new Promise((resolve, reject) => {
    const onResult = (result: ISubmittableResult) => {
      // If both follow closely, polkadot.js reports only the later one.
      const isDone = result.status.isFinalized || (until === 'inBlock' && result.status.isInBlock);
      if (isDone || result.status.isInvalid) resolve(result);
      else if (result.status.isReady || result.status.isInBlock) devnet.produceBlock();
    };
    // The declared type of the era lacks the plain number of blocks that the library accepts.
    extrinsic.signAndSend(key, options as unknown as Partial<SignerOptions>, onResult).catch(reject);
  });
}

/** The number of extrinsics of the account on chain. */
export async function nonceOf(api: ApiPromise, address: string): Promise<unknown> {
  const account = (await api.query.system?.account?.(address))?.toJSON() as { nonce?: number };
  return account.nonce;
}

/** Calls over plain HTTP, as curl does. */
export async function post(
  devnet: Devnet,
  method: string,
  params: readonly unknown[] = [],
): Promise<unknown> {
  const provider = new HttpProvider(devnet.url.replace('ws:', 'http:'));
  return provider.send(method, [...params]);
}
