import { createPair } from '@polkadot/keyring';
import type { KeyringPair } from '@polkadot/keyring/types';
import { encodeAddress } from '@polkadot/util-crypto';
import { SS58_FORMAT } from './keyfile.ts';
import type { Sr25519Pair } from './secret-conversions.ts';

/** An open hotkey. Its secret is in closures only, so no log and no serialisation of a wallet can show it. */
export interface Wallet {
  /** ss58, format 42. */
  readonly hotkeyAddress: string;
  /** 32 bytes, sr25519. */
  readonly publicKey: Uint8Array;
  /** The file or the development URI it was opened from. */
  readonly origin: string;
  /** Signs extrinsics with `@polkadot/api`. */
  readonly pair: KeyringPair;
  /**
   * The 64-byte sr25519 signature of the message (text as UTF-8) in the signing context `substrate`. Two signatures of
   * the same message differ.
   */
  sign(message: Uint8Array | string): Uint8Array;
  toJSON(): Pick<Wallet, 'hotkeyAddress' | 'origin'>;
}

export function createWallet({ publicKey, secretKey }: Sr25519Pair, origin: string): Wallet {
  const toSS58 = (key: Uint8Array): string => encodeAddress(key, SS58_FORMAT);
  const pair = createPair({ toSS58, type: 'sr25519' }, { publicKey, secretKey });
  const hotkeyAddress = toSS58(publicKey);
  return {
    hotkeyAddress,
    publicKey,
    origin,
    pair,
    // Encoded here, since the pair would read text that begins with 0x as hexadecimal.
    sign: (message) => pair.sign(typeof message === 'string' ? new TextEncoder().encode(message) : message),
    toJSON: () => ({ hotkeyAddress, origin }),
  };
}
