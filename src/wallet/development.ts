import {
  keyExtractPath,
  keyFromPath,
  mnemonicToMiniSecret,
  sr25519PairFromSeed,
} from '@polkadot/util-crypto';
import { createWallet, type Wallet } from './wallet.ts';

/** The root of all development keys. Everybody knows it. */
const DEVELOPMENT_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';

/** The accounts of every development chain: the root of the phrase above, and //Alice to //Ferdie. */
const DEVELOPMENT_ADDRESSES: ReadonlySet<string> = new Set([
  '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
  '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
  '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty',
  '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y',
  '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy',
  '5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw',
  '5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL',
]);

/** Path from the root of the development keys: `//Alice`. */
export type DevelopmentUri = `//${string}`;

/** The wallet of a development key. Its secret is public, so use it only for development chains on this machine. */
export function developmentWallet(uri: DevelopmentUri): Wallet {
  const root = sr25519PairFromSeed(mnemonicToMiniSecret(DEVELOPMENT_PHRASE));
  return createWallet(keyFromPath(root, keyExtractPath(uri).path, 'sr25519'), uri);
}

/** Whether this address (ss58, format 42) is a development account, for which everybody can sign. */
export function isDevelopmentAddress(ss58: string): boolean {
  return DEVELOPMENT_ADDRESSES.has(ss58);
}
