/** An error object of JSON-RPC 2.0, with the codes and words of a Substrate node. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
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
export function invalidParams(message: string): NodeError {
  return new NodeError(-32602, message);
}

/** The pool's refusal of an extrinsic, in the shape in which a node answers it. */
export function invalidTransaction(reason: string): NodeError {
  return new NodeError(1010, 'Invalid Transaction', reason);
}
