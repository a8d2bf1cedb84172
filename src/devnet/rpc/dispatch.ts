import { z } from 'zod';
import { NodeError } from '../runtime/node-error.ts';
import type { CallReply } from './subscriptions.ts';

/** Runs a method by name; undefined if there is none. */
export type Call = (method: string, params: readonly unknown[]) => CallReply | undefined;

/** The text of a response, and the work to do after it is sent. */
interface Response {
  readonly text: string;
  readonly afterwards?: () => void;
}

const REQUEST = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.number(), z.string().max(64), z.null()]).default(null),
  method: z.string().max(128),
  params: z.array(z.unknown()).max(16).default([]),
});
export type RpcRequest = z.infer<typeof REQUEST>;

/** The request in a text; undefined if there is none. */
export function parseRequest(text: string): RpcRequest | undefined {
  try {
    return REQUEST.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function failed(id: RpcRequest['id'], error: NodeError): Response {
  return { text: JSON.stringify({ jsonrpc: '2.0', id, error }) };
}

/**
 * Runs one request. Every request gets a response, a malformed one too.
 *
 * @param onFault called with an error of the chain itself, which is answered with -32603
 */
export function respond(
  request: RpcRequest | undefined,
  call: Call,
  onFault: (error: unknown) => void,
): Response {
  if (request === undefined) return failed(null, new NodeError(-32600, 'Invalid request'));
  const { id, method, params } = request;
  try {
    const reply = call(method, params);
    if (reply === undefined) return failed(id, new NodeError(-32601, 'Method not found'));
    const text = JSON.stringify({ jsonrpc: '2.0', id, result: reply.result });
    return reply.afterwards === undefined ? { text } : { text, afterwards: reply.afterwards };
  } catch (error) {
    if (error instanceof NodeError) return failed(id, error);
    onFault(error);
    return failed(id, new NodeError(-32603, 'Internal error'));
  }
}
