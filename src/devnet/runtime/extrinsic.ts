import { u8aConcat } from '@polkadot/util';
import { blake2AsHex, blake2AsU8a, encodeAddress, sr25519Verify } from '@polkadot/util-crypto';
import type { BlockLedger } from '../ledger/block-ledger.ts';
import { decodeServeAxon, type ServeAxonCall } from '../ledger/serve-axon-rules.ts';
import { invalidTransaction, NodeError } from './node-error.ts';
import { FIRST_RUNTIME, RUNTIME_VERSION, type Runtime } from './runtime-version.ts';

/** A signed extrinsic that was decoded. Its signature is not checked yet. */
export interface Extrinsic {
  readonly encoded: Uint8Array;
  /** Hex. */
  readonly hash: string;
  /** SS58 address with prefix 42. */
  readonly signer: string;
  readonly nonce: number;
  readonly call: ServeAxonCall;
  readonly signed: {
    readonly publicKey: Uint8Array;
    readonly signature: Uint8Array;
    readonly era: Uint8Array;
    /** Era, nonce, tip and metadata mode, as encoded in the extrinsic. */
    readonly extensions: Uint8Array;
    readonly call: Uint8Array;
  };
}

const SIGNED_V4 = 0x84;
const ADDRESS_ID = 0;
const SIGNATURE_SR25519 = 1;
const METADATA_HASH_DISABLED = 0;
const NO_METADATA_HASH = Uint8Array.of(0);
/** A longer payload is hashed before it is signed. */
const PLAIN_PAYLOAD_LIMIT_BYTES = 256;

/** Reads SCALE from front to back. Every method throws if the bytes end too early. */
class Reader {
  readonly #bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    const end = this.offset + count;
    if (end > this.#bytes.length)
      throw new NodeError(1002, 'Verification Error: the extrinsic ends too early');
    const taken = this.#bytes.subarray(this.offset, end);
    this.offset = end;
    return taken;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  compact(): bigint {
    const first = this.byte();
    const mode = first & 3;
    // The lowest two bits are the mode, which gives the number of bytes. In the first three modes the other bits are
    // data.
    const rest = this.take(mode === 3 ? (first >> 2) + 4 : ([0, 1, 3][mode] ?? 0));
    const littleEndian = mode === 3 ? [...rest] : [first, ...rest];
    const value = littleEndian.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return mode === 3 ? value : value >> 2n;
  }

  since(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.offset);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.offset);
  }
}

/** Throws what a node answers if the runtime cannot decode an extrinsic. */
function expect(condition: boolean, what: string): void {
  if (!condition) throw new NodeError(1002, `Verification Error: ${what}`);
}

/**
 * Decodes a version 4 extrinsic: length, `0x84`, address, signature, era, nonce, tip, metadata mode, call.
 *
 * @throws NodeError 1002 for anything but a `serve_axon` signed with sr25519
 */
export function decodeExtrinsic(encoded: Uint8Array, { serveAxonIndex }: Runtime = FIRST_RUNTIME): Extrinsic {
  const reader = new Reader(encoded);
  const length = reader.compact();
  expect(length === BigInt(encoded.length - reader.offset), 'the length of the extrinsic is wrong');
  expect(reader.byte() === SIGNED_V4, 'only signed extrinsics of version 4 are taken');
  expect(reader.byte() === ADDRESS_ID, 'the signer has to be an account id');
  const publicKey = reader.take(32);
  expect(reader.byte() === SIGNATURE_SR25519, 'only sr25519 signatures are taken');
  const signature = reader.take(64);

  const start = reader.offset;
  const eraStart = reader.byte();
  if (eraStart !== 0) reader.byte();
  const era = reader.since(start);
  const { period, phase } = eraParts(era);
  expect(period >= 4 && phase < period, 'the era is none');
  const nonce = reader.compact();
  expect(nonce < 2n ** 32n, 'the nonce is too large');
  reader.compact();
  expect(reader.byte() === METADATA_HASH_DISABLED, 'the metadata hash is not checked here');
  const extensions = reader.since(start);

  const callBytes = reader.rest();
  const call = decodeServeAxon(callBytes, serveAxonIndex);
  if (call === undefined) throw new NodeError(1002, 'Verification Error: the only call taken is serve_axon');
  return {
    encoded,
    hash: blake2AsHex(encoded),
    signer: encodeAddress(publicKey, 42),
    nonce: Number(nonce),
    call,
    signed: { publicKey, signature, era, extensions, call: callBytes },
  };
}

/** The length of an era, and the offset of its first block from a multiple of that length, in blocks. */
function eraParts([low = 0, high]: Uint8Array): { readonly period: number; readonly phase: number } {
  if (high === undefined) return { period: Number.POSITIVE_INFINITY, phase: 0 };
  const encoded = low | (high << 8);
  const period = 2 << (encoded % 16);
  return { period, phase: (encoded >> 4) * Math.max(period >> 12, 1) };
}

/** The first block of an era and the one after its last, seen from a block. An immortal era starts at genesis. */
export function eraBounds(
  era: Uint8Array,
  block: number,
): { readonly birth: number; readonly death: number } {
  const { period, phase } = eraParts(era);
  if (period === Number.POSITIVE_INFINITY) return { birth: 0, death: period };
  const birth = Math.floor((Math.max(block, phase) - phase) / period) * period + phase;
  return { birth, death: birth + period };
}

function isSignatureValid(
  { signed }: Extrinsic,
  { ledger, runtime, birthHash }: { ledger: BlockLedger; runtime: Runtime; birthHash: Uint8Array },
): boolean {
  const versions = new DataView(new ArrayBuffer(8));
  versions.setUint32(0, runtime.specVersion, true);
  versions.setUint32(4, RUNTIME_VERSION.transactionVersion, true);
  const payload = u8aConcat(
    signed.call,
    signed.extensions,
    new Uint8Array(versions.buffer),
    Buffer.from(ledger.genesis.hash.slice(2), 'hex'),
    birthHash,
    NO_METADATA_HASH,
  );
  const message = payload.length > PLAIN_PAYLOAD_LIMIT_BYTES ? blake2AsU8a(payload) : payload;
  try {
    return sr25519Verify(message, signed.signature, signed.publicKey);
  } catch {
    // The bytes are no signature.
    return false;
  }
}

/**
 * Checks era and signature as the runtime does for the next block.
 *
 * @returns the first block in which the extrinsic is no longer valid
 * @throws NodeError 1010 with the pool's words
 */
export function verifyExtrinsic(extrinsic: Extrinsic, ledger: BlockLedger, runtime: Runtime): number {
  const { birth, death } = eraBounds(extrinsic.signed.era, ledger.head.number + 1);
  const birthBlock = ledger.byNumber(birth);
  if (birthBlock === undefined) throw invalidTransaction('Transaction birth block ancient');
  const birthHash = Buffer.from(birthBlock.hash.slice(2), 'hex');
  if (!isSignatureValid(extrinsic, { ledger, runtime, birthHash })) {
    throw invalidTransaction('Transaction has a bad signature');
  }
  return death;
}
