import { BlockList, isIPv4 } from 'node:net';

interface ReservedRange {
  readonly meaning: string;
  readonly prefixes: readonly (readonly [address: string, prefixBits: number])[];
}

/** IPv4 addresses that no validator can reach over the internet (IANA special-purpose registry). */
const RESERVED: readonly ReservedRange[] = [
  { meaning: 'an unspecified address', prefixes: [['0.0.0.0', 8]] },
  { meaning: 'a loopback address', prefixes: [['127.0.0.0', 8]] },
  {
    meaning: 'a private address',
    prefixes: [
      ['10.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
    ],
  },
  { meaning: "an address behind a carrier's NAT", prefixes: [['100.64.0.0', 10]] },
  { meaning: 'a link-local address', prefixes: [['169.254.0.0', 16]] },
  {
    meaning: 'an address for documentation',
    prefixes: [
      ['192.0.2.0', 24],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
    ],
  },
  {
    meaning: 'an address for special purposes',
    prefixes: [
      ['192.0.0.0', 24],
      ['198.18.0.0', 15],
    ],
  },
  { meaning: 'a multicast address', prefixes: [['224.0.0.0', 4]] },
  { meaning: 'a reserved address', prefixes: [['240.0.0.0', 4]] },
];

const RANGES = RESERVED.map(({ meaning, prefixes }) => {
  const list = new BlockList();
  for (const [address, prefixBits] of prefixes) list.addSubnet(address, prefixBits, 'ipv4');
  return { meaning, list };
});

/** Why an IPv4 address cannot be reached over the internet, such as `a private address`; undefined if it can. */
export function reservedMeaning(address: string): string | undefined {
  return RANGES.find(({ list }) => list.check(address, 'ipv4'))?.meaning;
}

/** An IPv4 address as the chain stores it: 127.0.0.2 is 0x7f000002. @throws TypeError for anything else */
export function ipv4ToInteger(address: string): bigint {
  if (!isIPv4(address)) throw new TypeError('not an IPv4 address');
  return address.split('.').reduce((value, octet) => value * 256n + BigInt(octet), 0n);
}

/** The text of an address that the chain stores as an integer with its IP version, 4 or 6. IPv6 is not abbreviated. */
export function integerToIp(value: bigint, ipType: number): string {
  const groups = ipType === 4 ? 4 : 8;
  const bits = ipType === 4 ? 8n : 16n;
  const parts = Array.from({ length: groups }, (_, index) =>
    Number((value >> (bits * BigInt(groups - 1 - index))) & ((1n << bits) - 1n)),
  );
  return ipType === 4 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':');
}
