/** An error object of JSON-RPC 2.0, with the codes and words of a Substrate node. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: string | undefined;

  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }

  toJSON(): { code: number; message: string; data?: string } {
    return {
      code: this.code,
      message: this.message,
      ...(this.data === undefined ? {} : { data: this.data }),
    };
  }
}

/** A call with parameters that cannot be used. */
export function invalidParams(message: string): RpcError {
  return new RpcError(-32602, message);
}

/** The pool's refusal of an extrinsic, in the shape in which a node answers it. */
export function invalidTransaction(reason: string): RpcError {
  return new RpcError(1010, 'Invalid Transaction', reason);
}
