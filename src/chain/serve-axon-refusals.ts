/** Why the chain refused an announcement. Used by the announcer. */

import { RpcRefusal } from './link/json-rpc.ts';

/** The chain's own name for the rule that was broken, and its meaning. */
export interface ServeAxonRefusal {
  readonly name: string;
  readonly words: string;
}

/** The rules of `serve_axon`, by the runtime's names of its dispatch errors. */
const WORDS: Readonly<Record<string, string>> = {
  RateLimitExceeded: 'this hotkey sent too many transactions in a short time',
  HotKeyNotRegisteredInNetwork: 'this hotkey is not registered on the subnet',
  HotKeyNotRegisteredInSubNet: 'this hotkey is not registered on the subnet',
  InvalidIpAddress: 'the chain does not accept this IP address',
  InvalidIpType: 'the chain accepts only IP versions 4 and 6',
  ServingRateLimitExceeded: 'the address was announced only a short time ago',
  InvalidPort: 'the chain does not accept port 0',
  TxRateLimitExceeded: 'this hotkey sent too many transactions in a short time',
  SubnetNotExists: 'the chain has no subnet of this number',
  BadRequest: 'the chain found the announcement malformed',
};

/** The custom error codes of the transaction pool, from spec 300 on. */
const POOL_CODES: ReadonlyMap<number, string> = new Map([
  [6, 'RateLimitExceeded'],
  [10, 'HotKeyNotRegisteredInNetwork'],
  [11, 'InvalidIpAddress'],
  [12, 'ServingRateLimitExceeded'],
  [13, 'InvalidPort'],
  [255, 'BadRequest'],
]);

/** The JSON-RPC code for a transaction that the pool finds invalid. */
const INVALID_TRANSACTION = 1010;

/** The refusal of that name. The text for an unknown rule is its name. */
export function refusalNamed(name: string): ServeAxonRefusal {
  return { name, words: WORDS[name] ?? `the chain refused with ${name}` };
}

/**
 * The rule by which the transaction pool refused; undefined if `error` is something else. Nodes write
 * `Custom error: 12` and some tools `{"invalid":{"custom":12}}`, in the data or in the message.
 */
export function parsePoolRefusal(error: unknown): ServeAxonRefusal | undefined {
  if (!(error instanceof RpcRefusal) || error.code !== INVALID_TRANSACTION) return undefined;
  const text = `${error.message} ${error.detail}`;
  const code = /custom(?: error|\\?")\s*:\s*(\d+)/i.exec(text)?.[1];
  if (code === undefined) return undefined;
  return refusalNamed(POOL_CODES.get(Number(code)) ?? `custom error ${code}`);
}
