/** The length of the intervals that secret signatures cover, in milliseconds. */
const SECRET_INTERVAL_MS = 10_000;

interface SignedParts {
  /** Lower-case hex of SHA-256 over the body exactly as sent. */
  readonly bodySha256Hex: string;
  readonly uuid: string;
  readonly timestampText: string;
  /** Receiver's ss58 address; the empty string where there is none (the dot before it stays). */
  readonly signedFor: string;
}

/** What the request signature signs. Path, method and all other headers are not covered. */
export function requestMessage({ bodySha256Hex, uuid, timestampText, signedFor }: SignedParts): string {
  return `${bodySha256Hex}.${uuid}.${timestampText}.${signedFor}`;
}

/**
 * What the three secret signatures sign, in their order. The interval is a Python float, so its text ends in `.0`;
 * the neighbours differ by one millisecond, not by one interval.
 */
export function secretMessages(timestampMs: number, signedFor: string): [string, string, string] {
  const interval = Math.ceil(timestampMs / SECRET_INTERVAL_MS) * SECRET_INTERVAL_MS;
  const message = (at: number) => `${at.toFixed(1)}.${signedFor}`;
  return [message(interval - 1), message(interval), message(interval + 1)];
}
