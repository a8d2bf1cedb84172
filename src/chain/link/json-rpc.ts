/** One WebSocket to one node, with JSON-RPC on it. Owned by the session. */

import { WebSocket } from 'ws';
import { asMinerError, MinerError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { createFrameAllowance } from './frame-allowance.ts';

/** Three times the largest answer of a subtensor: its metadata, 674 kB, are 1.35 MB as hex. */
export const PAYLOAD_LIMIT_BYTES = 4 * 1024 * 1024;

/** The highest length of a node's words in errors and logs. */
const DESCRIPTION_LIMIT_CHARS = 300;

/** An error that the node itself answered. */
export class RpcRefusal extends Error {
  override readonly name = 'RpcRefusal';
  /** The code of JSON-RPC; 0 if the node gave no number. */
  readonly code: number;
  /** The `data` of JSON-RPC as text, at most 300 characters. Other values are written as JSON. */
  readonly detail: string;

  constructor(code: unknown, message: unknown, data: unknown) {
    const detail = describe(data);
    const words = describe(message);
    super(printable(typeof data === 'string' ? `${words}: ${detail}` : words, DESCRIPTION_LIMIT_CHARS));
    this.code = typeof code === 'number' ? code : 0;
    this.detail = detail;
  }
}

type SubscriptionId = string | number;

/** An open connection. It never reconnects. */
export interface RpcSocket {
  /** Aborted with a `MinerError` when the connection ends, for whatever reason. */
  readonly ended: AbortSignal;
  /** Resolves when the operating system has closed the socket. */
  readonly closed: Promise<void>;
  /**
   * The node's answer. Rejects with `RpcRefusal` if the node answers an error, and with the reason of the end if the
   * connection ends first. A call without an answer for `callTimeoutMs` ends the connection.
   */
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  /**
   * Subscribes. `onUpdate` gets the result of each notification until `unsubscribe` or the end of the connection. It
   * throws a `MinerError` if a notification is malformed, which ends the connection.
   */
  subscribe(
    method: string,
    params: readonly unknown[],
    onUpdate: (result: unknown) => void,
  ): Promise<SubscriptionId>;
  /** Stops the notifications. Does not wait for the node's answer. */
  unsubscribe(method: string, id: SubscriptionId): void;
  /** Ends the connection at once. Only the first reason counts. */
  end(reason: MinerError): void;
}

interface RpcSocketOptions {
  readonly url: string;
  readonly connectTimeoutMs: number;
  readonly callTimeoutMs: number;
  /** Ends the connection, or the attempt to open one. */
  readonly signal: AbortSignal;
  /** Called with an error of a subscriber's callback, except a `MinerError`. The connection goes on. */
  readonly onCallbackError: (error: unknown) => void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
  readonly onUpdate: ((result: unknown) => void) | undefined;
}

interface Message {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown };
  readonly params?: { readonly subscription?: unknown; readonly result?: unknown };
}

/**
 * Opens a JSON-RPC 2.0 connection over a WebSocket.
 *
 * The provider of polkadot.js is not used: it throws an uncaught exception at a frame that is not JSON, lets a call hang
 * for a minute, and cannot close a socket whose other side hangs.
 *
 * @throws MinerError CHAIN_UNREACHABLE if the connection cannot be opened, or the signal's reason
 */
export async function openRpcSocket(options: RpcSocketOptions): Promise<RpcSocket> {
  const { url, connectTimeoutMs, callTimeoutMs, signal, onCallbackError } = options;
  signal.throwIfAborted();

  const ending = new AbortController();
  const pending = new Map<number, Pending>();
  const subscriptions = new Map<SubscriptionId, (result: unknown) => void>();
  let lastId = 0;

  const socket = connect(url, connectTimeoutMs);

  function end(reason: MinerError): void {
    if (ending.signal.aborted) return;
    signal.removeEventListener('abort', onAbort);
    ending.abort(reason);
    for (const { reject, timer } of pending.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    pending.clear();
    subscriptions.clear();
    socket.terminate();
  }

  function onAbort(): void {
    end(asMinerError(signal.reason, 'CHAIN_UNREACHABLE'));
  }
  signal.addEventListener('abort', onAbort);

  const closed = new Promise<void>((resolve) => {
    socket.once('close', (code) => {
      end(unreachable(`the connection was closed (${code})`));
      resolve();
    });
  });
  socket.on('error', (error) => end(unreachable(printable(error.message, DESCRIPTION_LIMIT_CHARS), error)));
  const allowance = createFrameAllowance();
  socket.on('message', (data) => {
    // A frame may still arrive between the end and the close of the socket.
    if (ending.signal.aborted) return;
    const text = String(data);
    if (isAllowed(text.length)) receive(text);
  });
  // The library answers pings by itself, which costs time too.
  for (const control of ['ping', 'pong'] as const) socket.on(control, ({ length }) => isAllowed(length));

  /** Counts a frame. Ends the connection if there are too many. */
  function isAllowed(sizeBytes: number): boolean {
    const allowed = allowance.take(sizeBytes);
    if (!allowed) end(untrusted('the endpoint sends more than any node has to say'));
    return allowed;
  }

  await new Promise<void>((resolve) => {
    socket.once('open', resolve);
    closed.then(resolve);
  });
  ending.signal.throwIfAborted();

  function receive(text: string): void {
    const message = parseMessage(text);
    if (message === undefined) {
      end(new MinerError('CHAIN_CALL_FAILED', 'the endpoint sent something that is not JSON-RPC'));
      return;
    }
    if (typeof message.id === 'number') settle(message.id, message);
    else if (message.params !== undefined) notify(message.params);
  }

  function settle(id: number, { result, error }: Message): void {
    const call = pending.get(id);
    if (call === undefined) return;
    pending.delete(id);
    clearTimeout(call.timer);
    if (error !== undefined && error !== null) {
      call.reject(new RpcRefusal(error.code, error.message, error.data));
      return;
    }
    // The subscription is registered before a later frame is read, so that no notification is missed.
    if (call.onUpdate !== undefined && isSubscriptionId(result)) subscriptions.set(result, call.onUpdate);
    call.resolve(result);
  }

  function notify({ subscription, result }: NonNullable<Message['params']>): void {
    if (!isSubscriptionId(subscription)) return;
    try {
      subscriptions.get(subscription)?.(result);
    } catch (error) {
      if (error instanceof MinerError) end(error);
      else onCallbackError(error);
    }
  }

  function send(
    method: string,
    params: readonly unknown[],
    onUpdate?: (result: unknown) => void,
  ): Promise<unknown> {
    if (ending.signal.aborted) return Promise.reject(ending.signal.reason);
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        end(new MinerError('CHAIN_CALL_FAILED', `${method} was not answered within ${callTimeoutMs} ms`));
      }, callTimeoutMs);
      pending.set(id, { resolve, reject, timer, onUpdate });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  return {
    ended: ending.signal,
    closed,
    end,
    request: (method, params) => send(method, params),

    async subscribe(method, params, onUpdate) {
      const id = await send(method, params, onUpdate);
      if (!isSubscriptionId(id)) {
        throw new MinerError('CHAIN_CALL_FAILED', `${method} was answered without a subscription`);
      }
      return id;
    },

    unsubscribe(method, id) {
      subscriptions.delete(id);
      // If the node refuses, or the answer is lost, nobody listens either way.
      send(method, [id]).catch(() => undefined);
    },
  };
}

function connect(url: string, connectTimeoutMs: number): WebSocket {
  try {
    return new WebSocket(url, {
      handshakeTimeout: connectTimeoutMs,
      maxPayload: PAYLOAD_LIMIT_BYTES,
      perMessageDeflate: false,
    });
  } catch {
    // The message of `ws` holds the whole address, which may have a key in it.
    throw unreachable('the endpoint is not a ws:// or wss:// address');
  }
}

/** A value in a node's error, as text. Deeply nested JSON cannot be written out. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return printable(value, DESCRIPTION_LIMIT_CHARS);
  try {
    return printable(JSON.stringify(value), DESCRIPTION_LIMIT_CHARS);
  } catch {
    return '(too deep to be shown)';
  }
}

function untrusted(message: string): MinerError {
  return new MinerError('CHAIN_ENDPOINT_UNTRUSTED', message);
}

function unreachable(message: string, cause?: unknown): MinerError {
  return new MinerError('CHAIN_UNREACHABLE', message, { cause });
}

function parseMessage(text: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

function isSubscriptionId(value: unknown): value is SubscriptionId {
  return typeof value === 'string' || typeof value === 'number';
}
