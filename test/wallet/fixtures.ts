/** Public material: the phrase that every development chain knows, and //Alice. None of it guards anything. */
export const DEV = {
  secretPhrase: 'bottom drive obey lake curtain smoke basket hold race lonely fit walk',
  secretSeed: '0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e',
  /** Canonical scalar and nonce, as key files store it. */
  privateKey:
    '0x05d65584630d16cd4af6d0bec10f34bb504a5dcb62dba2122d49f5a663763d0afd190cce74df356432b410bd64682309d6dedb27c76845daf388557cbac3ca34',
  /** Scalar times 8 and nonce, as the signing library holds it. */
  expandedKey:
    '0x28b0ae221c6bb06856b287f60d7ea0d98552ea5a16db16956849aa371db3eb51fd190cce74df356432b410bd64682309d6dedb27c76845daf388557cbac3ca34',
  publicKey: '0x46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a',
  ss58Address: '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
} as const;

export const ALICE = {
  secretSeed: '0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a',
  privateKey:
    '0x33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011',
  expandedKey:
    '0x98319d4ff8a9508c4bb0cf0b5a78d760a0b2082c02775e6e82370816fedfff48925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011',
  publicKey: '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
  ss58Address: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
} as const;

/** A key file as the wallet tool writes it. */
export const FULL_KEYFILE = {
  accountId: DEV.publicKey,
  publicKey: DEV.publicKey,
  privateKey: DEV.privateKey,
  secretPhrase: DEV.secretPhrase,
  secretSeed: DEV.secretSeed,
  ss58Address: DEV.ss58Address,
} as const;

/** `FULL_KEYFILE` encrypted with libsodium; its key was cross-checked with another implementation. */
export const ENCRYPTED = {
  password: 'correct horse battery',
  keyHex: 'a5aa17eedc6b5cd29fb66d4f7d05260f846d4046bf2a54c5009ceae23bbd0473',
  file: Buffer.from(
    [
      'JE5BQ0wAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhfQAxKOp44qHasYVLdAs2VoHGxsyryJ6jZOtGqZgQ3zPgPY/+ZnIm19VK5ZaEHwbxFYbO9X6djK',
      '4GH8ywGOZgcUNyeeR1B7eWKbrtpiSPpYvjwz4PKniqvDRaHqssYuQXPMjhqRKQv7KkBC5c+c8yttuD5aTg469HHo3C474HozPdWWSwsdsngLDRyB',
      'gQFzZvKnNKi2Ac2rglIwNCJsi+0w4wkvSzO0uFg7tqDwCH+tGt1/7tB7GR4i0dUiy/zl1ymoRX92+mbpxT+hsDnI78/SvV+0ddVu+RiKzS1xMO4c',
      'NtDIM0b+bTNrFV61HGho6C0dOFubI49lTJ1Iqtm0T9T0IZanBLT9vT5MOXMXa+beFkDf+RjqDPehpWmtQEthMyO3KAEls0zekcGUZwsV8wl0u4gs',
      'nikz+rs91XU9Fg1jyvoUOdfVGRuQie8/+Rbif//1VItDQRweGUeLqTkKlpyypVKAYCQwPQ5/LF2+YquRD8c0jok4VZX9kRCCa166/h68FT14u/70',
      'TrCnmS98RSjsdoOX1fS8uFWihOny8lB9+b5vzWvseaACi3btutJAEW7/UWOAL0JovODs34vUpalcZV8FV2ZdW4i7hZBfwBq9BHlrn1aJTIOWH6OA',
      'PB766HB7OZG0hMg/HgQd6fHcgmQS4VUBnYgLVThKpRWKR5gRYiSfnPn7MVBKeNF8J+9m2eIEmD7cyq/XiYc5nElxO7/An6L6nEdNs13Sbjuy7YEc',
    ].join(''),
    'base64',
  ),
} as const;

/** The same password as the wallet tool hides it in the environment. */
export const HIDDEN_PASSWORD = {
  keyfilePath: '/home/me/.bittensor/wallets/miner/hotkeys/default',
  variable: 'BT_PW__HOME_ME__BITTENSOR_WALLETS_MINER_HOTKEYS_DEFAULT',
  value: 'ITstIjI8K2gnIjcsKGU9PjY9MSY8',
} as const;

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/^0x/, ''), 'hex'));
}

export function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}
