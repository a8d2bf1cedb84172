import { RpcRefusal } from './link/json-rpc.ts';

/** Why the chain does not store an address: the chain's own name for the rule, and what it means. */
export interface ServeAxonRefusal {
  readonly name: string;
  readonly words: string;
}

/** The rules of `serve_axon`, by the names that the runtime gives them as dispatch errors. */
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

/** What the transaction pool's custom error codes stand for, from spec 300 on. */
const POOL_CODES: ReadonlyMap<number, string> = new Map([
  [6, 'RateLimitExceeded'],
  [10, 'HotKeyNotRegisteredInNetwork'],
  [11, 'InvalidIpAddress'],
  [12, 'ServingRateLimitExceeded'],
  [13, 'InvalidPort'],
  [255, 'BadRequest'],
]);

/** JSON-RPC code of a transaction that the pool finds invalid. */
const INVALID_TRANSACTION = 1010;

/** The refusal of that name; a rule that is not known here speaks for itself. */
export function refusalNamed(name: string): ServeAxonRefusal {
  return { name, words: WORDS[name] ?? `the chain refused with ${name}` };
}

/**
 * The rule by which the transaction pool refused. Nodes write it `Custom error: 12`, some tools
 * `{"invalid":{"custom":12}}`, in the data or in the message. Undefined when `error` is something else.
 */
export function parsePoolRefusal(error: unknown): ServeAxonRefusal | undefined {
  if (!(error instanceof RpcRefusal) || error.code !== INVALID_TRANSACTION) return undefined;
  const text = `${error.message} ${error.detail}`;
  const code = /custom(?: error|\\?")\s*:\s*(\d+)/i.exec(text)?.[1];
  if (code === undefined) return undefined;
  return refusalNamed(POOL_CODES.get(Number(code)) ?? `custom error ${code}`);
}
