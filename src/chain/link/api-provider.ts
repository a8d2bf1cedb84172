import type { ApiOptions } from '@polkadot/api/types';
import { asMinerError, MinerError } from '../../errors.ts';
import type { RpcSocket } from './json-rpc.ts';

type Provider = NonNullable<ApiOptions['provider']>;

/**
 * Connects polkadot.js to a socket. Owned by the session. Two differences keep the faults of polkadot.js out of the
 * miner:
 * - A failed call ends the connection and never settles, because polkadot.js prints failed calls to the console and
 *   leaves some rejections unhandled, which would end the process. Callers race each call against `socket.ended`.
 * - There are no subscriptions. This switches off the keep-alive, the reconnection and the runtime updates of
 *   polkadot.js. The miner's own subscriptions go to the socket directly.
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
            // Polkadot.js would accept an array as bytes.
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
