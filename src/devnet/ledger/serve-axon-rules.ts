import { type AxonInfo, type Subnet, uidOf } from './subnet.ts';

/** The call `SubtensorModule.serve_axon`. */
export interface ServeAxonCall extends Omit<AxonInfo, 'block'> {
  readonly netuid: number;
}

/** The custom codes of the transaction pool from spec 300 on. */
const REFUSAL = {
  HotKeyNotRegisteredInNetwork: 10,
  InvalidIpAddress: 11,
  ServingRateLimitExceeded: 12,
  InvalidPort: 13,
  BadRequest: 255,
} as const;

/** The indexes of pallet and call, then 28 bytes of arguments of fixed size, little-endian. */
const CALL_BYTES = 30;
const PALLET_INDEX = 7;

const IPV4_BROADCAST = 0xffff_ffffn;
const IPV4_LOOPBACK = 0x7f00_0001n;
const IPV6_ALL_ONES = 2n ** 128n - 1n;
const IPV6_LOOPBACK = 1n;

/**
 * Decodes a `serve_axon` call; undefined if the bytes are another call or none.
 * @param callIndex number of `serve_axon` in its pallet
 */
export function decodeServeAxon(bytes: Uint8Array, callIndex: number): ServeAxonCall | undefined {
  if (bytes.length !== CALL_BYTES || bytes[0] !== PALLET_INDEX || bytes[1] !== callIndex) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    netuid: view.getUint16(2, true),
    version: view.getUint32(4, true),
    ip: view.getBigUint64(8, true) | (view.getBigUint64(16, true) << 64n),
    port: view.getUint16(24, true),
    ipType: view.getUint8(26),
    protocol: view.getUint8(27),
    placeholder1: view.getUint8(28),
    placeholder2: view.getUint8(29),
  };
}

/** Zero and private addresses pass, as on the real chain. */
function isAddressValid({ ip, ipType }: ServeAxonCall): boolean {
  if (ipType === 4) return ip < IPV4_BROADCAST && ip !== IPV4_LOOPBACK;
  return ip !== IPV6_ALL_ONES && ip !== IPV6_LOOPBACK;
}

/**
 * The custom code with which the runtime refuses the call in the given block; undefined if it accepts. The checks and
 * their order are the runtime's.
 */
export function serveAxonRefusal(
  subnet: Subnet,
  hotkey: string,
  call: ServeAxonCall,
  block: number,
): number | undefined {
  const uid = call.netuid === subnet.netuid ? uidOf(subnet, hotkey) : undefined;
  if (uid === undefined) return REFUSAL.HotKeyNotRegisteredInNetwork;
  if (call.ipType !== 4 && call.ipType !== 6) return REFUSAL.BadRequest;
  if (!isAddressValid(call)) return REFUSAL.InvalidIpAddress;
  const servedAt = subnet.neurons[uid]?.axon?.block ?? 0;
  const limit = subnet.servingRateLimitBlocks;
  if (limit !== 0 && servedAt !== 0 && block - servedAt < limit) return REFUSAL.ServingRateLimitExceeded;
  if (call.port === 0) return REFUSAL.InvalidPort;
  return undefined;
}
