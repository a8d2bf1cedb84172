import { createHash, randomUUID } from 'node:crypto';
import { requestMessage, secretMessages } from './headers.ts';

interface SignRequestOptions {
  /** An sr25519 signature over the message. */
  readonly sign: (message: string) => Uint8Array;
  /** Hotkey that `sign` signs with. */
  readonly hotkey: string;
  readonly signedFor: string;
  readonly body: Uint8Array;
  readonly timestampMs: number;
  readonly uuid?: string;
}

/** The headers with which a validator signs a request (Epistula version 2). */
export function signRequest(options: SignRequestOptions): Record<string, string> {
  const { sign, hotkey, signedFor, body, timestampMs, uuid = randomUUID() } = options;
  const hexSignature = (message: string) => `0x${Buffer.from(sign(message)).toString('hex')}`;
  const bodySha256Hex = createHash('sha256').update(body).digest('hex');
  const timestampText = String(timestampMs);
  const [before, current, after] = secretMessages(timestampMs, signedFor);
  return {
    'Epistula-Version': '2',
    'Epistula-Timestamp': timestampText,
    'Epistula-Uuid': uuid,
    'Epistula-Signed-By': hotkey,
    'Epistula-Signed-For': signedFor,
    'Epistula-Request-Signature': hexSignature(
      requestMessage({ bodySha256Hex, uuid, timestampText, signedFor }),
    ),
    'Epistula-Secret-Signature-0': hexSignature(before),
    'Epistula-Secret-Signature-1': hexSignature(current),
    'Epistula-Secret-Signature-2': hexSignature(after),
  };
}
