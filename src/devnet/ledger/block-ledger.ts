import { compactToU8a, hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsHex, blake2AsU8a } from '@polkadot/util-crypto';
import type { Subnet } from './subnet.ts';

/** A header as a node answers it, with hex values. */
interface Header {
  readonly parentHash: string;
  readonly number: string;
  readonly stateRoot: string;
  readonly extrinsicsRoot: string;
  readonly digest: { readonly logs: readonly string[] };
}

/** An event of the runtime for an extrinsic. */
export interface BlockEvent {
  /** The position of the extrinsic in the block. */
  readonly extrinsic: number;
  readonly pallet: 'System' | 'SubtensorModule';
  /** A value of the pallet's event type. */
  readonly event: Readonly<Record<string, unknown>>;
}

/** A block with the whole state after it. */
export interface Block {
  readonly number: number;
  readonly hash: string;
  readonly header: Header;
  /** Unix time, milliseconds. */
  readonly timestampMs: number;
  /** Encoded with the length first. The first extrinsic sets the time. */
  readonly extrinsics: readonly Uint8Array[];
  readonly events: readonly BlockEvent[];
  readonly subnet: Subnet;
  /** The number of extrinsics of each account on the chain. */
  readonly nonces: ReadonlyMap<string, number>;
}

type BlockContent = Pick<Block, 'timestampMs' | 'extrinsics' | 'events' | 'subnet' | 'nonces'>;

/** The blocks of a development chain, in memory. It can outlive the node that serves it. */
export interface BlockLedger {
  readonly genesis: Block;
  readonly head: Block;
  /** The newest final block. A block is final when the next block exists. */
  readonly finalized: Block;
  byHash(hash: string): Block | undefined;
  byNumber(number: number): Block | undefined;
  append(content: BlockContent): Block;
}

/** More than the runtime's `BlockHashCount` of 2400, so that every valid era finds its first block. */
const KEPT_BLOCKS = 2500;

/** The default name. Chains with the same name have the same genesis hash. */
const CHAIN_NAME = 'sn34-miner development chain';
const ZERO_HASH = `0x${'00'.repeat(32)}`;

/**
 * @param stateRoot the constant in every header: there is no state trie. It makes the genesis hash differ between chains
 */
function createBlock(stateRoot: string, number: number, parentHash: string, content: BlockContent): Block {
  const extrinsicsRoot = number === 0 ? ZERO_HASH : blake2AsHex(u8aConcat(...content.extrinsics));
  const encoded = u8aConcat(
    hexToU8a(parentHash),
    compactToU8a(number),
    hexToU8a(stateRoot),
    hexToU8a(extrinsicsRoot),
    Uint8Array.of(0),
  );
  const header = {
    parentHash,
    number: `0x${number.toString(16)}`,
    stateRoot,
    extrinsicsRoot,
    digest: { logs: [] },
  };
  // Clients compute the hash from the header themselves, so it must be the real one.
  return { ...content, number, header, hash: u8aToHex(blake2AsU8a(encoded)) };
}

/** A chain with its genesis block; the genesis hash is the same for the same name. */
export function createBlockLedger(subnet: Subnet, timestampMs: number, name = CHAIN_NAME): BlockLedger {
  const stateRoot = blake2AsHex(name);
  const genesis = createBlock(stateRoot, 0, ZERO_HASH, {
    timestampMs,
    extrinsics: [],
    events: [],
    subnet,
    nonces: new Map(),
  });
  const numbers = new Map<string, number>([[genesis.hash, 0]]);
  const blocks = new Map<number, Block>([[0, genesis]]);
  let head = genesis;

  function forget(number: number): void {
    const block = blocks.get(number);
    if (block === undefined || block === genesis) return;
    blocks.delete(number);
    numbers.delete(block.hash);
  }

  function byNumber(number: number): Block | undefined {
    return blocks.get(number);
  }

  return {
    genesis,
    get head() {
      return head;
    },
    get finalized() {
      return byNumber(head.number - 1) ?? genesis;
    },
    byNumber,
    byHash: (hash) => byNumber(numbers.get(hash.toLowerCase()) ?? -1),
    append: (content) => {
      head = createBlock(stateRoot, head.number + 1, head.hash, content);
      blocks.set(head.number, head);
      numbers.set(head.hash, head.number);
      forget(head.number - KEPT_BLOCKS);
      return head;
    },
  };
}
