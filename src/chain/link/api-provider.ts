import type { ApiOptions } from '@polkadot/api/types';
import { asMinerError, MinerError } from '../../errors.ts';
import type { RpcSocket } from './json-rpc.ts';

type Provider = NonNullable<ApiOptions['provider']>;

/**
 * Lets polkadot.js speak over `socket`, with two liberties that keep its faults out of this process:
 * - A failed call ends the connection and is never settled. Polkadot.js prints failed calls to the console and
 *   leaves some rejections unhandled, which would end the process; whoever waits races with `socket.ended`.
 * - No subscriptions are offered, which switches off its own keep-alive, reconnection and runtime following.
 *   Ours go to the socket directly.
 */
export function createApiProvider(socket: RpcSocket): Provider {
  const provider: Provider = {
    hasSubscriptions: false,
    isClonable: false,
    get isConnected() {
      return !socket.ended.aborted;
    },
    clone: () => provider,
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    on: () => () => undefined,
    send<T>(method: string, params: unknown[]) {
      return new Promise<T>((resolve) => {
        socket.request(method, params).then(
          (result) => {
            // Polkadot.js would take an array for bytes.
            if (method !== 'state_call' || typeof result === 'string') resolve(result as T);
            else socket.end(new MinerError('CHAIN_ENDPOINT_UNTRUSTED', 'unexpected answer: no bytes'));
          },
          (error) => socket.end(asMinerError(error, 'CHAIN_CALL_FAILED')),
        );
      });
    },
    subscribe: () => Promise.reject(new Error('subscriptions go to the socket')),
    unsubscribe: () => Promise.resolve(false),
  };
  return provider;
}
