import { hexToU8a } from '@polkadot/util';
import type { BlockLedger } from '../ledger/block-ledger.ts';
import { serveAxonRefusal } from '../ledger/serve-axon-rules.ts';
import { decodeExtrinsic, type Extrinsic, verifyExtrinsic } from '../runtime/extrinsic.ts';
import { invalidTransaction, NodeError } from '../runtime/node-error.ts';
import type { Runtime } from '../runtime/runtime-version.ts';

/** The status of an extrinsic, as a node sends it to the watcher. */
export type ExtrinsicStatus =
  | 'ready'
  | 'future'
  | 'invalid'
  | { readonly inBlock: string }
  | { readonly finalized: string };

type Watcher = (status: ExtrinsicStatus) => void;

export interface PooledExtrinsic extends Extrinsic {
  /** The first block in which it is no longer valid. */
  readonly death: number;
  readonly watcher: Watcher;
}

/** Extrinsics that wait for a block. Owned by node.ts; the block author takes them. */
export interface Pool {
  /**
   * Checks an extrinsic against the head of the chain and keeps it.
   *
   * @param watcher called with each status from the next block on
   * @returns the hash, and whether it can go into the next block
   * @throws NodeError 1010 refused by the runtime, 1013 known, 1014 nonce in use, 1016 pool full
   */
  submit(encoded: string, watcher: Watcher): { readonly hash: string; readonly status: 'ready' | 'future' };
  /** Removes and returns the first extrinsic that is valid with these nonces. Outdated ones are dropped. */
  take(nonceOf: (address: string) => number, block: number): PooledExtrinsic | undefined;
  /** The nonce of the account's next extrinsic, after those that wait. */
  nextNonce(address: string): number;
  /** The next submission is refused with this custom code. */
  refuseNext(customCode: number): void;
}

const POOL_LIMIT = 256;

interface PoolOptions {
  readonly ledger: BlockLedger;
  /** The runtime that is in force now. */
  readonly runtime: () => Runtime;
  /** Called after each accepted submission. */
  readonly onSubmit: () => void;
}

export function createPool({ ledger, runtime, onSubmit }: PoolOptions): Pool {
  let waiting: readonly PooledExtrinsic[] = [];
  let forcedRefusal: number | undefined;

  function nextNonce(address: string): number {
    const nonces = new Set(waiting.filter((one) => one.signer === address).map((one) => one.nonce));
    let next = ledger.head.nonces.get(address) ?? 0;
    while (nonces.has(next)) next += 1;
    return next;
  }

  /** The runtime's checks for the next block. Returns the first block in which the extrinsic is no longer valid. */
  function validate(extrinsic: Extrinsic): number {
    const { signer, nonce, call } = extrinsic;
    const { subnet, nonces, number } = ledger.head;
    const death = verifyExtrinsic(extrinsic, ledger, runtime());
    if (nonce < (nonces.get(signer) ?? 0)) throw invalidTransaction('Transaction is outdated');
    const refusal = forcedRefusal ?? serveAxonRefusal(subnet, signer, call, number + 1);
    forcedRefusal = undefined;
    if (refusal !== undefined) throw invalidTransaction(`Custom error: ${refusal}`);
    return death;
  }

  return {
    nextNonce,

    submit: (encoded, watcher) => {
      const extrinsic = decodeExtrinsic(hexToU8a(encoded), runtime());
      if (waiting.some((one) => one.hash === extrinsic.hash)) {
        throw new NodeError(1013, 'Transaction Already Imported', extrinsic.hash);
      }
      if (waiting.length >= POOL_LIMIT) throw new NodeError(1016, 'Immediately Dropped', 'The pool is full');
      const death = validate(extrinsic);
      const { signer, nonce, hash } = extrinsic;
      if (waiting.some((one) => one.signer === signer && one.nonce === nonce)) {
        const reason =
          'The transaction has too low priority to replace another transaction already in the pool.';
        throw new NodeError(1014, 'Priority is too low', reason);
      }
      const status = nonce === nextNonce(signer) ? 'ready' : 'future';
      waiting = [...waiting, { ...extrinsic, death, watcher }];
      onSubmit();
      return { hash, status };
    },

    take: (nonceOf, block) => {
      const outdated = waiting.filter((one) => one.nonce < nonceOf(one.signer) || one.death <= block);
      waiting = waiting.filter((one) => !outdated.includes(one));
      for (const { watcher } of outdated) watcher('invalid');
      const next = waiting.find((one) => one.nonce === nonceOf(one.signer));
      waiting = waiting.filter((one) => one !== next);
      return next;
    },

    refuseNext: (customCode) => {
      forcedRefusal = customCode;
    },
  };
}
