import { u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, xxhashAsU8a } from '@polkadot/util-crypto';

type StorageHasher = 'Identity' | 'Blake2_128Concat' | 'Twox64Concat';

export interface StorageEntry {
  /** Type expression of the value. */
  readonly value: string;
  /** Type expression of the key, and one hasher for each of its parts. Absent for a single value. */
  readonly key?: string;
  readonly hashers?: readonly StorageHasher[];
  /** Hex of the value of an absent key. An entry without a fallback is optional. */
  readonly fallback?: string;
}

const NETUID = { key: 'u16', hashers: ['Identity'] } as const;
const NETUID_UID = { key: '(u16, u16)', hashers: ['Identity', 'Identity'] } as const;
const NETUID_HOTKEY = { key: '(u16, AccountId)', hashers: ['Identity', 'Blake2_128Concat'] } as const;
const NETUID_COMMITTER = { key: '(u16, AccountId)', hashers: ['Identity', 'Twox64Concat'] } as const;

const HOTKEY_NETUID = { key: '(AccountId, u16)', hashers: ['Blake2_128Concat', 'Identity'] } as const;
const ACCOUNT = { key: 'AccountId', hashers: ['Blake2_128Concat'] } as const;

const zeros = (bytes: number): string => `0x${'00'.repeat(bytes)}`;

/** Zero, except the highest bit of the flags: the balance follows the newer rules. */
const NEW_ACCOUNT = `0x${'00'.repeat(55)}80`;

/** The storage that the development chain serves: keys, hashers, values and defaults as on finney (spec 424). */
export const STORAGE = {
  System: {
    Account: { ...ACCOUNT, value: 'AccountInfo', fallback: NEW_ACCOUNT },
    Number: { value: 'u32', fallback: zeros(4) },
    Events: { value: 'Vec<EventRecord>', fallback: '0x00' },
  },
  Timestamp: { Now: { value: 'u64', fallback: zeros(8) } },
  SubtensorModule: {
    Tempo: { ...NETUID, value: 'u16', fallback: '0x6801' },
    SubnetworkN: { ...NETUID, value: 'u16', fallback: zeros(2) },
    NetworksAdded: { ...NETUID, value: 'bool', fallback: '0x00' },
    MaxAllowedUids: { ...NETUID, value: 'u16', fallback: '0x0001' },
    ImmunityPeriod: { ...NETUID, value: 'u16', fallback: '0x0010' },
    ServingRateLimit: { ...NETUID, value: 'u64', fallback: '0x3200000000000000' },
    WeightsVersionKey: { ...NETUID, value: 'u64', fallback: zeros(8) },
    Burn: { ...NETUID, value: 'u64', fallback: '0x00e1f50500000000' },
    TokenSymbol: { ...NETUID, value: 'Vec<u8>', fallback: '0x10f09d9c8f' },
    MechanismCountCurrent: { ...NETUID, hashers: ['Twox64Concat'], value: 'u8', fallback: '0x01' },
    Keys: { ...NETUID_UID, value: 'AccountId', fallback: zeros(32) },
    BlockAtRegistration: { ...NETUID_UID, value: 'u64', fallback: zeros(8) },
    IsNetworkMember: { ...HOTKEY_NETUID, value: 'bool', fallback: '0x00' },
    Owner: { ...ACCOUNT, value: 'AccountId', fallback: zeros(32) },
    OwnedHotkeys: { ...ACCOUNT, value: 'Vec<AccountId>', fallback: '0x00' },
    Uids: { ...NETUID_HOTKEY, value: 'u16' },
    Axons: { ...NETUID_HOTKEY, value: 'AxonInfo' },
    Active: { ...NETUID, value: 'Vec<bool>', fallback: '0x00' },
    ValidatorPermit: { ...NETUID, value: 'Vec<bool>', fallback: '0x00' },
    LastUpdate: { ...NETUID, value: 'Vec<u64>', fallback: '0x00' },
    Incentive: { ...NETUID, value: 'Vec<u16>', fallback: '0x00' },
    Dividends: { ...NETUID, value: 'Vec<u16>', fallback: '0x00' },
    Emission: { ...NETUID, value: 'Vec<u64>', fallback: '0x00' },
  },
  // There are no commitments here: clients find no entries.
  Commitments: {
    CommitmentOf: { ...NETUID_COMMITTER, value: 'Commitment' },
    RevealedCommitments: { ...NETUID_COMMITTER, value: 'Vec<(Vec<u8>, u64)>' },
  },
} as const satisfies Record<string, Record<string, StorageEntry>>;

function hashPart(hasher: StorageHasher | undefined, part: Uint8Array): Uint8Array {
  if (hasher === 'Blake2_128Concat') return u8aConcat(blake2AsU8a(part, 128), part);
  if (hasher === 'Twox64Concat') return u8aConcat(xxhashAsU8a(part, 64), part);
  return part;
}

/**
 * The storage key of a value: the hashes of both names, then each part of the key through its hasher.
 *
 * @param parts the SCALE bytes of the key's parts, one for each of `hashers`
 * @returns hex, `0x`-prefixed and lower case
 */
export function storageKey(
  pallet: string,
  name: string,
  hashers: readonly StorageHasher[] = [],
  parts: readonly Uint8Array[] = [],
): string {
  const hashed = parts.map((part, index) => hashPart(hashers[index], part));
  return u8aToHex(u8aConcat(xxhashAsU8a(pallet, 128), xxhashAsU8a(name, 128), ...hashed));
}
