/** The address to announce, and how it compares with the entry on chain. Used by the announcer. */

import { ipv4ToInteger } from '../net/ipv4.ts';
import type { AxonEntry } from './reader.ts';

/** The address at which validators reach the axon; `ip` is an IPv4 address. */
export interface AxonAddress {
  readonly ip: string;
  readonly port: number;
}

/** The arguments of `serve_axon` after the netuid. */
export type AxonCall = Omit<AxonEntry, 'block'>;

/** The protocol version in the announced entry: that of the SDK that validators pin. */
export const AXON_VERSION = 9_003_000;
const AXON_PROTOCOL = 4;
const IP_TYPE_V4 = 4;

export function axonCall({ ip, port }: AxonAddress): AxonCall {
  return {
    version: AXON_VERSION,
    ip: ipv4ToInteger(ip),
    port,
    ipType: IP_TYPE_V4,
    protocol: AXON_PROTOCOL,
    placeholder1: 0,
    placeholder2: 0,
  };
}

/** Whether the entry on chain equals what the call would store. */
export function holds(entry: AxonEntry, axon: AxonCall): boolean {
  return (
    entry.version === axon.version &&
    entry.protocol === axon.protocol &&
    entry.placeholder1 === axon.placeholder1 &&
    entry.placeholder2 === axon.placeholder2 &&
    leadsTo(entry, axon)
  );
}

/** Whether validators that read the entry call the same address and port as after the call. */
export function leadsTo(entry: AxonEntry, axon: AxonCall): boolean {
  return entry.ip === axon.ip && entry.port === axon.port && entry.ipType === axon.ipType;
}
