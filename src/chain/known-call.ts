/** The last check before the hotkey signs. Used by submit-serve-axon.ts. */

import { bnToU8a, u8aConcat, u8aEq, u8aToHex } from '@polkadot/util';
import { MinerError } from '../errors.ts';
import { printable } from '../printable.ts';
import type { AxonCall } from './axon-call.ts';

/**
 * `serve_axon` on every network of subtensor: pallet 7, call 4, arguments of a fixed length. A signed message must begin
 * with these bytes, because the metadata of a hostile endpoint could give a transfer the name `serve_axon`.
 */
const PALLET_INDEX = 7;
const CALL_INDEX = 4;

/** The extensions that a subtensor asks a signature to cover, besides the call. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  'CheckNonZeroSender',
  'CheckSpecVersion',
  'CheckTxVersion',
  'CheckGenesis',
  'CheckMortality',
  'CheckNonce',
  'CheckWeight',
  'ChargeTransactionPayment',
  'SudoTransactionExtension',
  'CheckShieldedTxValidity',
  'SubtensorTransactionExtension',
  'SubtensorSignedExtension',
  'CommitmentsSignedExtension',
  'DrandPriority',
  'CheckMetadataHash',
]);

const NAME_LIMIT_CHARS = 60;

/** The call in SCALE: two indexes, then little-endian integers. */
export function encodeServeAxon(netuid: number, axon: AxonCall): Uint8Array {
  return u8aConcat(
    [PALLET_INDEX, CALL_INDEX],
    littleEndian(netuid, 2),
    littleEndian(axon.version, 4),
    littleEndian(axon.ip, 16),
    littleEndian(axon.port, 2),
    [axon.ipType, axon.protocol, axon.placeholder1, axon.placeholder2],
  );
}

/** A message that is about to be signed. */
interface Signing {
  /** The bytes that the signature covers: the call, then the parts of the extensions. Above 256 bytes, their hash. */
  readonly message: Uint8Array;
  /** The extensions that the endpoint's metadata names, in its order. */
  readonly extensions: readonly string[];
  readonly netuid: number;
  readonly axon: AxonCall;
}

/** @throws MinerError CHAIN_ENDPOINT_UNTRUSTED unless the message is `serve_axon` with exactly these values */
export function requireKnownCall({ message, extensions, netuid, axon }: Signing): void {
  const unknown = extensions.find((name) => !KNOWN_EXTENSIONS.has(name));
  if (unknown !== undefined) {
    const name = printable(unknown, NAME_LIMIT_CHARS);
    throw untrusted(`the endpoint asks to sign ${name}, which no subtensor asks for`);
  }
  const expected = encodeServeAxon(netuid, axon);
  const given = message.subarray(0, expected.length);
  if (u8aEq(given, expected)) return;
  throw untrusted(
    `what the endpoint calls serve_axon is another call: ${u8aToHex(given)} and not ${u8aToHex(expected)}`,
  );
}

function untrusted(message: string): MinerError {
  return new MinerError('CHAIN_ENDPOINT_UNTRUSTED', message);
}

function littleEndian(value: number | bigint, bytes: number): Uint8Array {
  return bnToU8a(value, { bitLength: bytes * 8, isLe: true });
}
