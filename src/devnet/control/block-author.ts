import { compactAddLength, compactToU8a, u8aConcat } from '@polkadot/util';
import type { Clock } from '../../clock.ts';
import type { Block, BlockEvent, BlockLedger } from '../ledger/block-ledger.ts';
import { serveAxonRefusal } from '../ledger/serve-axon-rules.ts';
import { changeNeuron, type Subnet } from '../ledger/subnet.ts';
import type { Pool, PooledExtrinsic } from '../rpc/pool.ts';
import { SUBTENSOR_TYPES } from '../runtime/subtensor-types.ts';

/** Makes blocks from the extrinsics in the pool. Owned by node.ts, called by the control. */
export interface BlockAuthor {
  /**
   * Appends a block.
   *
   * @param change a change of the subnet by the control, made before the extrinsics
   */
  author(change?: (subnet: Subnet, block: number) => Subnet): Block;
  /** The next extrinsic that is included fails with this error of the subnet pallet, as on runtimes before spec 300. */
  failNext(errorName: string): void;
  /** From the next block on, block times are this far in the past; 0 ends it. */
  setLag(lagMs: number): void;
}

interface BlockAuthorOptions {
  readonly ledger: BlockLedger;
  readonly pool: Pool;
  readonly clock: Pick<Clock, 'now'>;
}

const PALLET_SUBTENSOR = 7;
const UNSIGNED_V4 = 4;
/** `Timestamp.set`: pallet 2, call 0. */
const TIMESTAMP_SET = [2, 0] as const;

/** The index of an error of the subnet pallet, by its name; undefined for an unknown name. */
export function subtensorErrorIndex(name: string): number | undefined {
  const definition = SUBTENSOR_TYPES.SubtensorError;
  return definition !== undefined && 'variants' in definition ? definition.variants[name]?.index : undefined;
}

function timestampExtrinsic(timestampMs: number): Uint8Array {
  const call = u8aConcat(Uint8Array.of(UNSIGNED_V4, ...TIMESTAMP_SET), compactToU8a(timestampMs));
  return compactAddLength(call);
}

function systemEvent(extrinsic: number, event: BlockEvent['event']): BlockEvent {
  return { extrinsic, pallet: 'System', event };
}

function dispatchInfo(dispatchClass: 'Normal' | 'Mandatory') {
  return { weight: { refTime: 0, proofSize: 0 }, class: dispatchClass, paysFee: 'No' };
}

/** The effect of one extrinsic: the subnet after it, and the events of the runtime. */
interface Effect {
  readonly subnet: Subnet;
  readonly events: readonly BlockEvent[];
}

function serve(subnet: Subnet, { signer, call }: PooledExtrinsic, position: number, block: number): Effect {
  const { netuid, ...axon } = call;
  const info = { dispatchInfo: dispatchInfo('Normal') };
  return {
    subnet: changeNeuron(subnet, signer, { axon: { ...axon, block } }),
    events: [
      { extrinsic: position, pallet: 'SubtensorModule', event: { AxonServed: [netuid, signer] } },
      systemEvent(position, { ExtrinsicSuccess: info }),
    ],
  };
}

function fail(subnet: Subnet, position: number, error: number): Effect {
  const dispatchError = { Module: { index: PALLET_SUBTENSOR, error: [error, 0, 0, 0] } };
  const failed = { dispatchError, dispatchInfo: dispatchInfo('Normal') };
  return { subnet, events: [systemEvent(position, { ExtrinsicFailed: failed })] };
}

export function createBlockAuthor({ ledger, pool, clock }: BlockAuthorOptions): BlockAuthor {
  let forcedError: number | undefined;
  let lagMs = 0;
  /** The time of the newest block without the lag. */
  let newestMs = ledger.head.timestampMs;
  /** Blocks that are not final yet, with their extrinsics. */
  let unfinalized: readonly { readonly block: Block; readonly included: readonly PooledExtrinsic[] }[] = [];

  function finalize(): void {
    const due = unfinalized.filter(({ block }) => block.number <= ledger.finalized.number);
    unfinalized = unfinalized.filter((one) => !due.includes(one));
    for (const { block, included } of due) {
      for (const { watcher } of included) watcher({ finalized: block.hash });
    }
  }

  function author(change: (subnet: Subnet, block: number) => Subnet = (subnet) => subnet): Block {
    const number = ledger.head.number + 1;
    // Later than the previous block, even if the clock is set back. Only a change of the lag makes it earlier.
    newestMs = Math.max(clock.now(), newestMs + 1);
    const timestampMs = newestMs - lagMs;
    let subnet = change(ledger.head.subnet, number);
    const nonces = new Map(ledger.head.nonces);
    const nonceOf = (address: string) => nonces.get(address) ?? 0;
    const included: PooledExtrinsic[] = [];
    const events = [systemEvent(0, { ExtrinsicSuccess: { dispatchInfo: dispatchInfo('Mandatory') } })];

    for (let next = pool.take(nonceOf, number); next !== undefined; next = pool.take(nonceOf, number)) {
      // An extrinsic that was valid when submitted may be invalid now. It then never gets into a block.
      if (serveAxonRefusal(subnet, next.signer, next.call, number) !== undefined) {
        next.watcher('invalid');
        continue;
      }
      nonces.set(next.signer, next.nonce + 1);
      // The first position belongs to the timestamp.
      const position = included.push(next);
      const effect =
        forcedError === undefined
          ? serve(subnet, next, position, number)
          : fail(subnet, position, forcedError);
      forcedError = undefined;
      subnet = effect.subnet;
      events.push(...effect.events);
    }

    const extrinsics = [timestampExtrinsic(timestampMs), ...included.map(({ encoded }) => encoded)];
    const block = ledger.append({ timestampMs, extrinsics, events, subnet, nonces });
    unfinalized = [...unfinalized, { block, included }];
    for (const { watcher } of included) watcher({ inBlock: block.hash });
    finalize();
    return block;
  }

  return {
    author,
    failNext: (errorName) => {
      forcedError = subtensorErrorIndex(errorName);
    },
    setLag: (ms) => {
      lagMs = ms;
    },
  };
}
