/** Signs and submits one announcement. Used by the announcer. */

import type { KeyringPair } from '@polkadot/keyring/types';
import type { IKeyringPair } from '@polkadot/types/types';
import { z } from 'zod';
import { asMinerError, MinerError } from '../errors.ts';
import type { AxonCall } from './axon-call.ts';
import { requireKnownCall } from './known-call.ts';
import { RpcRefusal } from './link/json-rpc.ts';
import { boundedArray, type HexString, headerSchema, hexSchema, parse } from './link/node-answers.ts';
import type { ChainSession } from './link/session.ts';

/** An extrinsic that is in a block. */
export interface Inclusion {
  readonly blockHash: HexString;
  readonly extrinsic: HexString;
}

interface SubmitOptions {
  readonly session: ChainSession;
  readonly pair: KeyringPair;
  readonly netuid: number;
  readonly axon: AxonCall;
  readonly inclusionTimeoutMs: number;
}

/** Blocks for which the signature is valid: the value of the Python SDK. */
const ERA_PERIOD_BLOCKS = 128;

/** More than any block of a subtensor holds. */
const EXTRINSICS_LIMIT = 20_000;
const nonceSchema = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 32 - 1);
const blockSchema = z.object({ block: z.object({ extrinsics: boundedArray(z.string(), EXTRINSICS_LIMIT) }) });
const statusSchema = z.union([z.string(), z.looseObject({})]);

/**
 * Signs `serve_axon` with the hotkey, submits it and waits until it is in a block. A call in a block may still have
 * failed: see `readDispatchError`.
 *
 * @throws RpcRefusal if the transaction pool refuses it
 * @throws MinerError CHAIN_CALL_FAILED if it is in no block in time; CHAIN_UNREACHABLE if the connection ends first;
 *   CHAIN_ENDPOINT_UNTRUSTED, which also ends the session, if the endpoint asks to sign something else
 */
export async function submitServeAxon(options: SubmitOptions): Promise<Inclusion> {
  const { session, inclusionTimeoutMs } = options;
  const extrinsic = await signServeAxon(options);
  return { blockHash: await submitAndWatch(session, extrinsic, inclusionTimeoutMs), extrinsic };
}

async function signServeAxon({ session, pair, netuid, axon }: SubmitOptions): Promise<HexString> {
  const { api, socket } = session;
  const call = api.tx.subtensorModule?.serveAxon;
  if (call === undefined) {
    throw new MinerError('CHAIN_CALL_FAILED', 'the runtime of this chain lacks serve_axon');
  }
  // Counted from a finalized block: if a fork replaced the first block of the era, the signature would be void.
  const blockHash = parse(hexSchema, await socket.request('chain_getFinalizedHead', []));
  const header = parse(headerSchema, await socket.request('chain_getHeader', [blockHash]));
  const nonce = parse(nonceSchema, await socket.request('system_accountNextIndex', [pair.address]));
  const era = api.createType('ExtrinsicEra', { current: header.number, period: ERA_PERIOD_BLOCKS });
  const extensions = api.registry.signedExtensions;
  const options = {
    blockHash,
    era,
    // The hash that was checked: an endpoint that is asked again may name another chain.
    genesisHash: session.genesisHash,
    nonce,
    runtimeVersion: api.runtimeVersion,
    signedExtensions: extensions,
  };
  const { version, ip, port, ipType, protocol, placeholder1, placeholder2 } = axon;
  try {
    const tx = call(netuid, version, ip, port, ipType, protocol, placeholder1, placeholder2);
    tx.sign(
      guarded(pair, (message) => requireKnownCall({ message, extensions, netuid, axon })),
      options,
    );
    return tx.toHex();
  } catch (error) {
    // The cause is the endpoint's metadata: the key itself cannot fail.
    const reason = asMinerError(error, 'CHAIN_ENDPOINT_UNTRUSTED');
    session.distrust(reason);
    throw reason;
  }
}

/** The pair, but it signs only a message that passes `check`, which throws otherwise. */
function guarded(pair: KeyringPair, check: (message: Uint8Array) => void): IKeyringPair {
  const { address, addressRaw, publicKey } = pair;
  return {
    address,
    addressRaw,
    publicKey,
    sign(message, options) {
      check(message);
      return pair.sign(message, options);
    },
  };
}

function submitAndWatch(session: ChainSession, extrinsic: HexString, timeoutMs: number): Promise<HexString> {
  const { socket } = session;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      fail(new MinerError('CHAIN_CALL_FAILED', `the transaction was in no block after ${timeoutMs} ms`));
    }, timeoutMs);
    const onEnd = (): void => fail(socket.ended.reason);
    socket.ended.addEventListener('abort', onEnd, { once: true });

    let stopWatching: (() => void) | undefined;
    let over = false;

    function finish(): void {
      over = true;
      clearTimeout(timer);
      socket.ended.removeEventListener('abort', onEnd);
      stopWatching?.();
    }
    function fail(error: unknown): void {
      finish();
      reject(error);
    }

    socket
      .subscribe('author_submitAndWatchExtrinsic', [extrinsic], (result) => {
        const status = parseStatus(result);
        if (status.blockHash !== undefined) {
          finish();
          resolve(status.blockHash);
        } else if (status.lost !== undefined) {
          fail(new MinerError('CHAIN_CALL_FAILED', `the pool dropped the transaction (${status.lost})`));
        }
      })
      .then((id) => {
        stopWatching = () => socket.unsubscribe('author_unwatchExtrinsic', id);
        if (over) stopWatching();
      }, fail);
  });
}

/** The status of a transaction: in a block, lost, or (if neither is set) still waiting. */
function parseStatus(result: unknown): { blockHash?: HexString; lost?: string } {
  const status = parse(statusSchema, result);
  const [name, value] = typeof status === 'string' ? [status, undefined] : (Object.entries(status)[0] ?? []);
  if (name === 'inBlock' || name === 'finalized') return { blockHash: parse(hexSchema, value) };
  if (name === 'dropped' || name === 'invalid' || name === 'usurped') return { lost: name };
  return {};
}

interface EventRecord {
  readonly phase: { readonly isApplyExtrinsic: boolean; readonly asApplyExtrinsic: { toNumber(): number } };
  readonly event: {
    readonly section: string;
    readonly method: string;
    readonly data: readonly DispatchError[];
  };
}

interface DispatchError {
  readonly isModule: boolean;
  readonly asModule: Parameters<ChainSession['api']['registry']['findMetaError']>[0];
  toString(): string;
}

/**
 * The name of the runtime's error for an extrinsic in a block. Undefined if there was none, or if the node no longer
 * holds the events of the block. A name, because the numbers change between runtimes.
 */
export async function readDispatchError(
  session: ChainSession,
  { blockHash, extrinsic }: Inclusion,
): Promise<string | undefined> {
  const { api } = session;
  const found = await readBlock(session, blockHash);
  if (found === undefined) return undefined;
  const index = found.extrinsics.indexOf(extrinsic);
  const records = api.createType('Vec<FrameSystemEventRecord>', found.events) as unknown as EventRecord[];
  const failed = records.find(
    ({ phase, event }) =>
      phase.isApplyExtrinsic &&
      phase.asApplyExtrinsic.toNumber() === index &&
      event.section === 'system' &&
      event.method === 'ExtrinsicFailed',
  );
  const error = failed?.event.data[0];
  if (error === undefined) return undefined;
  return error.isModule ? api.registry.findMetaError(error.asModule).name : error.toString();
}

/** The extrinsics of a block, and its events in SCALE; undefined if the node refuses. */
async function readBlock(
  { api, socket }: ChainSession,
  blockHash: string,
): Promise<{ extrinsics: readonly string[]; events: string } | undefined> {
  const eventsKey = api.query.system?.events?.key();
  if (eventsKey === undefined) return undefined;
  try {
    const { block } = parse(blockSchema, await socket.request('chain_getBlock', [blockHash]));
    const events = parse(hexSchema, await socket.request('state_getStorage', [eventsKey, blockHash]));
    return { extrinsics: block.extrinsics, events };
  } catch (error) {
    if (error instanceof RpcRefusal) return undefined;
    throw error;
  }
}
