/** An error that a Substrate node answers, with its code and words. The runtime and the rooms above it throw it. */
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

/** The answer to a call with wrong parameters. */
export function invalidParams(message: string): NodeError {
  return new NodeError(-32602, message);
}

/** The answer to an extrinsic that the pool refuses. */
export function invalidTransaction(reason: string): NodeError {
  return new NodeError(1010, 'Invalid Transaction', reason);
}
