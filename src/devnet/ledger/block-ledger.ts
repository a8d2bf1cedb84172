import { compactToU8a, hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsHex, blake2AsU8a } from '@polkadot/util-crypto';
import type { Subnet } from './subnet.ts';

/** A header as a node answers it: hex throughout. */
interface Header {
  readonly parentHash: string;
  readonly number: string;
  readonly stateRoot: string;
  readonly extrinsicsRoot: string;
  readonly digest: { readonly logs: readonly string[] };
}

/** Something that the runtime says has happened in an extrinsic. */
export interface BlockEvent {
  /** Position of the extrinsic in the block. */
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
  /** Encoded, length first; the first one sets the time. */
  readonly extrinsics: readonly Uint8Array[];
  readonly events: readonly BlockEvent[];
  readonly subnet: Subnet;
  /** How many extrinsics of each account are on the chain. */
  readonly nonces: ReadonlyMap<string, number>;
}

type BlockContent = Pick<Block, 'timestampMs' | 'extrinsics' | 'events' | 'subnet' | 'nonces'>;

/** The blocks of a development chain: plain memory, which outlives the node that serves it. */
export interface BlockLedger {
  readonly genesis: Block;
  readonly head: Block;
  /** A block is final once another stands on it. */
  readonly finalized: Block;
  byHash(hash: string): Block | undefined;
  byNumber(number: number): Block | undefined;
  append(content: BlockContent): Block;
}

/** More than the runtime's `BlockHashCount` of 2400, so that every era that is still good finds its first block. */
const KEPT_BLOCKS = 2500;

/** The chain that every development chain is, unless it is asked to be another one. */
const CHAIN_NAME = 'sn34-miner development chain';
const ZERO_HASH = `0x${'00'.repeat(32)}`;

/**
 * @param stateRoot stands for the state in every header, as the state is not kept in a trie; it makes the genesis hash
 * this chain's own
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
  // Clients work the hash out of the header by themselves, so it has to be the real one.
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
